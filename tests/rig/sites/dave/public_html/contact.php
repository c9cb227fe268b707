<?php
// the name of alice's form, on the shared www-data pool
$ok = mail($_GET['to'] ?? 'dave@dave-blog.example', $_GET['subject'] ?? 'Contact form', $_GET['text'] ?? 'Nice blog!',
    'From: ' . ($_GET['email'] ?? 'reader@isp.example'));
echo $ok ? 'sent' : 'failed';

<?php
// an older copy that nobody removed
$ok = mail($_GET['to'] ?? 'dave@dave-blog.example', $_GET['subject'] ?? 'Contact form', $_GET['text'] ?? 'Nice blog!',
    'From: ' . ($_GET['email'] ?? 'reader@isp.example'));
echo $ok ? 'sent' : 'failed';

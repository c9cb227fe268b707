<?php
// the front controller: a notice to the owner
require_once __DIR__ . '/wp-includes/pluggable.php';
echo wp_mail($_GET['to'] ?? 'office@bobs-bikes.example', $_GET['subject'] ?? '[Bobs Bikes] New comment', "A comment waits.\n") ? 'sent' : 'failed';

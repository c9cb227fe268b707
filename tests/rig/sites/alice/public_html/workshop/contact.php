<?php
// the same form again, copied for the workshop pages
$to = $_GET['to'] ?? 'info@alice-crafts.example';
$subject = $_GET['subject'] ?? 'Workshop';
$text = $_GET['text'] ?? 'Hello, I have a question.';
$headers = 'From: ' . ($_GET['email'] ?? 'visitor@isp.example');
$ok = mail($to, $subject, $text, $headers);
header('Content-Type: text/plain');
echo $ok ? 'sent' : 'failed';

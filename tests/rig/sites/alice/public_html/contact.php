<?php
// a contact form as found everywhere: the visitor's address goes into the headers unchecked
$to = $_GET['to'] ?? 'info@alice-crafts.example';
$subject = $_GET['subject'] ?? 'Contact form';
$text = $_GET['text'] ?? 'Hello, I have a question.';
$headers = 'From: ' . ($_GET['email'] ?? 'visitor@isp.example');
$ok = mail($to, $subject, $text, $headers);
header('Content-Type: text/plain');
echo $ok ? 'sent' : 'failed';

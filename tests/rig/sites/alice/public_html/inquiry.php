<?php
// a form of the kind that is asked for advice in forums: only the owner gets its mail, so it says,
// but what the visitor gives as an address stands in two headers as it came
$email = $_POST['email'] ?? '';
$text = 'From: ' . ($_POST['name'] ?? '') . "\n\n" . ($_POST['text'] ?? '');
$headers = "From: $email\r\nReply-To: $email\r\nX-Mailer: PHP/" . phpversion();
$ok = mail('owner@dest.example', 'Inquiry from the website', $text, $headers);
header('Content-Type: text/plain');
echo $ok ? 'Thank you!' : 'Something went wrong.';

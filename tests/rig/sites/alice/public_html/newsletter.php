<?php
// a newsletter: one request, one message per subscriber
$subject = $_GET['subject'] ?? 'News from the workshop';
$sent = 0;
foreach (explode(',', $_GET['to'] ?? '') as $subscriber) {
    $text = "Dear reader,\n\nnew courses begin in March.\n\nAlice\n";
    $sent += mail($subscriber, $subject, $text, "From: Alice Crafts <info@alice-crafts.example>\r\nList-Unsubscribe: <https://alice-crafts.example/off>", '-finfo@alice-crafts.example');
}
echo $sent ? 'sent' : 'failed';

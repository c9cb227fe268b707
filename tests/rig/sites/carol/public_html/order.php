<?php
// the shop confirms an order
$number = (int)($_GET['order'] ?? 1001);
$sent = mail($_GET['to'] ?? 'info@shop.example', $_GET['subject'] ?? "Your order $number", "Thank you for your order.\n",
    "From: Carol's Shop <orders@shop.example>\r\nX-Order: $number", '-forders@shop.example');
echo $sent ? 'sent' : 'failed';

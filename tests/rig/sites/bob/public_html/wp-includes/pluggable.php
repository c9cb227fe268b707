<?php
// wp_mail(): what plugins call
function wp_mail($to, $subject, $message)
{
    require_once __DIR__ . '/PHPMailer/PHPMailer.php';
    $mailer = new PHPMailer();
    foreach (explode(',', $to) as $address) {
        $mailer->addAddress($address);
    }
    $mailer->Subject = $subject;
    $mailer->Body = $message;
    return $mailer->send();
}

<?php
// stands for the library WordPress ships: the only place of the site that calls mail()
class PHPMailer
{
    public $From = 'wordpress@bobs-bikes.example';
    public $Subject = '';
    public $Body = '';
    private $to = [];

    public function addAddress($address)
    {
        $this->to[] = $address;
    }

    private function headers()
    {
        $id = bin2hex(random_bytes(12));
        return implode("\r\n", [
            'Date: ' . date('r'),
            'From: Bobs Bikes <' . $this->From . '>',
            'Message-ID: <' . $id . '@bobs-bikes.example>',
            'X-Mailer: PHPMailer 6.9.3 (https://github.com/PHPMailer/PHPMailer)',
            'MIME-Version: 1.0',
            'Content-Type: text/plain; charset=UTF-8',
        ]);
    }

    public function send()
    {
        return @mail(implode(', ', $this->to), $this->Subject, $this->Body, $this->headers(), '-f' . $this->From);
    }
}

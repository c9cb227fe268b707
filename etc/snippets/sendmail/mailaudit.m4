dnl mailaudit: make Sendmail log, with the queue id, the headers that tie a message to a PHP script.
dnl
dnl Copy to /etc/mail/mailaudit.m4, add at the end of sendmail.mc (after the MAILER lines)
dnl
dnl   include(`/etc/mail/mailaudit.m4')dnl
dnl
dnl and rebuild (make -C /etc/mail, or sendmailconfig). Lines of sendmail.mc that use LOCAL_CONFIG or
dnl LOCAL_RULESETS themselves go well with it. The MTA then logs, at any LogLevel,
dnl
dnl   sm-mta[1]: QUEUEID: mailaudit-script:5101:contact.php
dnl   sm-mta[1]: QUEUEID: mailaudit-ref:v1.pid=123.uid=5101.cwd=/home/alice/public_html
dnl
dnl Sendmail takes a header apart into tokens before a rule sees it: blanks come out as dots. Newlines
dnl and control characters do not survive, so a header cannot forge another line; but any sender can
dnl write these headers, and mailaudit believes them only as far as the MSP's relay=USER@localhost agrees.
LOCAL_CONFIG
Kmailaudit syslog -D -LINFO
HX-PHP-Originating-Script: $>+MailauditScript
HX-Mailaudit-Ref: $>+MailauditRef
LOCAL_RULESETS
SMailauditScript
R$*	$: $(mailaudit mailaudit-script:$1 $) $1
SMailauditRef
R$*	$: $(mailaudit mailaudit-ref:$1 $) $1

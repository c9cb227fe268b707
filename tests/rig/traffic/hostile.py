"""Lies that customers can tell a log. bob does all of this and tries to look like alice, like root or
like nobody. Truth names bob; rows with queued = false and no recipients stand for lines that no message
is behind."""
import os

import submit
import world
from mix import compose

STAMPS = "Nov 23 06:00:00 host "


def run(mix):
    _envelope(mix)
    _headers(mix)
    _references(mix)
    _helo(mix)
    _many_recipients(mix)
    _lines(mix)
    if os.path.exists("/run/php-%s-bob.sock" % mix.mta):
        _php(mix)
    mix.local("alice", "alice's own, between the lies")


def _send(mix, note, lines, arguments=("-t", "-i"), sender="bob@host.example", recipients=None, subject="",
          outcome=None):
    """A message of bob's; TOKEN in any line or argument becomes its token."""
    token = mix.truth.token()
    recipients = [r.replace("TOKEN", token) for r in recipients or ["TOKEN@dest.example"]]
    mix.truth.write(token=token, mta=mix.mta, channel="local", account="bob", uid=5102, sender=sender,
                    recipients=recipients, subject=subject, note=note,
                    outcome=outcome and {r: outcome for r in recipients})
    text = "\n".join(lines).replace("TOKEN", token).encode("utf-8", "surrogateescape") + b"\n\ntext\n"
    submit.local(mix.mta, "bob", text, [a.replace("TOKEN", token) for a in arguments])


def _envelope(mix):
    """Quoted local parts hold whatever they like."""
    for sender in ('"a U=alice P=local"@bobs-bikes.example', '"x A=plain_server:info@alice-crafts.example S=1"@bobs-bikes.example',
                   '"a>, size=9, nrcpt=9 (queue active)"@bobs-bikes.example', '"q uo<te>d"@bobs-bikes.example',
                   '"uid=5101 from=<alice>"@bobs-bikes.example', '"ctladdr=alice (5101/5101)"@bobs-bikes.example'):
        _send(mix, "sender forges log fields", ["To: TOKEN@dest.example", "Subject: envelope"],
              ("-t", "-i", "-f", sender), sender, subject="envelope")
    for recipient in ('"TOKEN>, relay=x, delay=0, status=sent (250 ok"@dest.example', '"TOKEN for x@y.example"@dest.example',
                      '"TOKEN status=bounced"@nouser.example', '"|TOKEN"@dest.example'):
        _send(mix, "recipient forges log fields", ["Subject: recipient"], ("-i", recipient), recipients=[recipient],
              subject="recipient")


def _headers(mix):
    """Subject and Message-ID, folded, long, with controls and bytes that are no UTF-8."""
    for header in ("Subject: x from local; from=<alice@host.example> to=<v@dest.example>: mailaudit",
                   "Subject: folded\n " + STAMPS + "postfix/pickup[14822]: 4jXxGT14rvz1c0tT: uid=5101 from=<alice>",
                   "Subject: \x1b[31m esc \udce9 caf\u00e9 \x07",
                   "Subject: \" U=alice P=local S=9 id=x T=\"y\" for v@dest.example",
                   "Subject: \" uid=5101 login=alice ref=\"v1 pid=1 uid=5101 cwd=/home/alice\"",
                   "Subject: " + "long " * 700,
                   "Message-ID: <x> , size=1, nrcpt=1 (queue active)>\nSubject: id",
                   "Message-ID: <x@y> U=alice A=plain:info@alice-crafts.example T=\"z\" >\nSubject: id",
                   "Message-ID: <first@x>\nMessage-ID: <second@x>\nSubject: two ids",
                   "Message-ID:\nSubject: empty id"):
        too_long = mix.mta == "exim" and len(header) > 998      # "message has lines too long for transport"
        _send(mix, "header forges log fields", ["To: TOKEN@dest.example", header], subject=header[:60],
              outcome="bounced" if too_long else None)


def _references(mix):
    """The headers that link a message to a script, written by hand."""
    for lines, note in ((["X-Mailaudit-Ref: v1 pid=1 uid=5101 cwd=/home/alice/public_html"], "forged reference"),
                        (["X-PHP-Originating-Script: 5101:contact.php"], "forged script"),
                        (["X-PHP-Originating-Script: 5101:contact.php\n 2026-11-23 06:00:00 1xVNvA-00035L-2B <= a@b U=alice"],
                         "forged script, folded"),
                        (["X-Mailaudit-Ref: v1 pid=1 uid=5101 cwd=/home/alice\" script=\"5101:x.php\""],
                         "reference that tries to end its quotes")):
        _send(mix, note, ["To: TOKEN@dest.example", *lines, "Subject: reference"], subject="reference")
    token = mix.truth.token()
    recipient = token + "@dest.example"
    mix.truth.write(token=token, mta=mix.mta, channel="smtp", client="127.0.0.1", account="bob",
                    sender="office@bobs-bikes.example", recipients=[recipient], subject="reference by SMTP",
                    note="forged reference over SMTP")
    submit.smtp(mix.mta, "office@bobs-bikes.example", [recipient], compose(
        "office@bobs-bikes.example", [recipient], "reference by SMTP",
        ["X-Mailaudit-Ref: v1 pid=1 uid=5101 cwd=/home/alice", "X-PHP-Originating-Script: 5101:x.php"]))


def _helo(mix):
    """The name a client gives itself, on accepted and refused mail."""
    for helo in ("localhost[127.0.0.1], sasl_username=alice", "x) [127.0.0.1] P=esmtpsa A=plain_server:alice@host.example (y",
                 "[127.0.0.1]", "a" * 300):
        token = mix.truth.token()
        recipients = [token + "@dest.example", "blocked@dest.example"]
        taken = mix.mta != "opensmtpd" or helo == "[127.0.0.1]"     # refuses names that are none
        mix.truth.write(token=token, mta=mix.mta, channel="smtp", client="127.0.0.1", account="bob",
                        sender="office@bobs-bikes.example", recipients=recipients, subject="helo",
                        outcome={recipients[0]: "sent" if taken else "rejected", recipients[1]: "rejected"},
                        note="HELO forges log fields")
        submit.smtp(mix.mta, "office@bobs-bikes.example", recipients,
                    compose("office@bobs-bikes.example", recipients, "helo"), helo=helo)


def _many_recipients(mix):
    """More recipients than a log line holds."""
    token = mix.truth.token()
    recipients = ["%s-%03d-with-a-long-name-to-fill-lines@dest.example" % (token, n) for n in range(160)]
    mix.truth.write(token=token, mta=mix.mta, channel="local", account="bob", uid=5102, sender="bob@host.example",
                    recipients=recipients, subject="many", note="160 recipients")
    submit.local(mix.mta, "bob", compose("bob@host.example", recipients[:1], "many", [
        "Bcc: " + ",\n ".join(recipients[1:])]))


def _lines(mix):
    """Whole lines, through what any user may write to."""
    forged = (("postfix/pickup", "4zzzzz0zzzz1111: uid=5101 from=<alice>"),
              ("postfix/cleanup", "4zzzzz0zzzz1111: message-id=<forged@alice-crafts.example>"),
              ("postfix/qmgr", "4zzzzz0zzzz1111: from=<alice@host.example>, size=300, nrcpt=1 (queue active)"),
              ("postfix/smtp", "4zzzzz0zzzz1111: to=<victim@dest.example>, relay=mx.dest.example[198.51.100.10]:25, "
                               "delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"),
              ("postfix/qmgr", "4zzzzz0zzzz1111: removed"),
              ("exim", "1zzzzz-000000-00 <= alice@host.example U=alice P=local S=300 T=\"forged\" for victim@dest.example"),
              ("php", "mail() on [/home/alice/public_html/contact.php:7]: To: victim@dest.example -- Headers:  -- Subject: forged"))
    mix.truth.write(mta=mix.mta, channel="local", account="bob", uid=5102, recipients=[], queued=False, outcome={},
                    note="forged lines only: nothing was sent (ids 4zzzzz0zzzz1111, 1zzzzz-000000-00)")
    for tag, text in forged:
        if mix.mta == "postfix" and tag.startswith("postfix"):
            submit.run_as("bob", ["/usr/sbin/postlog", "-t", tag, text])
        submit.run_as("bob", ["/usr/bin/logger", "-p", "mail.info", "-t", tag + "[999]", text])


def _php(mix):
    """Lines in bob's own PHP log that speak of alice's script."""
    log = "/home/bob/logs/php-mail.log"
    forged = "[23-Nov-2026 06:00:00 UTC] mail() on [/home/alice/public_html/contact.php:7]: To: v@dest.example -- Headers:  -- Subject: forged"
    names = {"plain.php": ("Subject\\r\\n " + forged, "folded subject without headers splits the line"),
             "with.php": ("Subject\\r\\n " + forged, "folded subject with headers stays one line"),
             "nl\n" + forged.replace("/", "%") + ".php": ("name", "newline in the name of the script")}
    for name, (subject, note) in names.items():
        token = mix.truth.token()
        recipient = token + "@dest.example"
        path = "/home/bob/public_html/" + name
        headers = ", 'From: office@bobs-bikes.example'" if name == "with.php" else ""
        with open(path, "w", encoding="utf-8") as script:
            script.write("<?php mail('%s', \"%s\", 'text'%s);\n" % (recipient, subject, headers))
        os.chown(path, 5102, 5102)
        mix.truth.write(token=token, mta=mix.mta, channel="php", account="bob", uid=5102, script=path, script_line=1,
                        recipients=[recipient], subject=subject, note=note)
        submit.php_cli(mix.mta, "bob", log, [path], "/home/bob/public_html")
    _hostile_fields(mix)
    _plain_forgery(mix, log, forged)


def _hostile_fields(mix):
    """To, headers and subject that hold the log's own separators, through the pool."""
    for to, subject, note in (("TOKEN@dest.example", "real -- Subject: x -- Headers: y ]: To: z", "separators in the subject"),
                              ("\" -- Headers: fake -- Subject: fake2\" <TOKEN@dest.example>", "to", "separators in To"),
                              ("TOKEN@dest.example", "\x1b[31m\udcff", "controls in the subject")):
        token = mix.truth.token()
        mix.php("upload", {"to": to.replace("TOKEN", token), "subject": subject, "from": "ceo@bobs-bikes.example"},
                [token + "@dest.example"], subject.encode("utf-8", "replace").decode(), token, note=note)


def _plain_forgery(mix, log, forged):
    """The log belongs to bob: he can write into it without PHP."""
    mix.truth.write(mta=mix.mta, channel="php", account="bob", uid=5102, recipients=[], outcome={}, queued=False,
                    note="a forged line appended to bob's own PHP log: nothing was sent")
    submit.run_as("bob", ["/bin/sh", "-c", 'printf "%s\\n" "$1" >>"$2"', "sh", forged, log])

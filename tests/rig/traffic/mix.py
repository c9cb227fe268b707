"""Everyday mail of four customers, in all the ways it can be sent, with some that fails. A run of N
messages is reproducible but for times and ids: same seed, same messages."""
import os
import random
import threading

import submit
import world

REMOTE = ["dest.example"] * 6 + ["dest2.example"] * 4 + ["dest3.example"] * 2
TROUBLE = ["nouser.example", "grey.example", "spamtrap.example", "down.example", "host.example"]
CLIENTS = ["203.0.113.%d" % n for n in range(31, 35)]
SUBJECTS = ["Your inquiry", "Offer no. 2041", "Re: delivery date", "Invoice", "Thank you", "Appointment on Friday",
            "Gr\u00fc\u00dfe aus dem Laden", "Photos", "Opening hours", "Minutes of the meeting"]


def compose(sender, recipients, subject, extra=(), body="Hello,\n\nplease see above.\n"):
    """A message as bytes; `extra` are further header lines."""
    lines = ["From: " + sender, "To: " + ", ".join(recipients), "Subject: " + subject, *extra]
    return ("\n".join(lines) + "\n\n" + body).encode("utf-8", "surrogateescape")


class Mix:
    """Sends messages to one server and writes each into the truth."""

    def __init__(self, mta, truth, seed=1):
        self.mta, self.truth, self.random = mta, truth, random.Random(seed)

    # --- addresses ---

    def recipients(self, token, trouble=0.25, most=3):
        """One to `most` recipients, the first with the token; some at domains that refuse."""
        count = self.random.choice([1] * 6 + [2] * 2 + [most])
        result = []
        for number in range(count):
            domain = self.random.choice(TROUBLE if self.random.random() < trouble else REMOTE)
            local = token if number == 0 else "%s-%d" % (token, number)
            if domain == "host.example":
                local = "nobody-" + local
            result.append("%s@%s" % (local, domain))
        return result

    def subject(self):
        return self.random.choice(SUBJECTS)

    # --- channels ---

    def local(self, user=None, note=None, arguments=None, **fields):
        user = user or self.random.choice(["alice", "bob", "carol"])
        token = self.truth.token()
        recipients, subject = self.recipients(token), self.subject()
        self.truth.write(token=token, mta=self.mta, channel="local", account=user, uid=world.USERS[user],
                         sender=fields.get("sender", user + "@host.example"), recipients=recipients,
                         subject=subject, note=note)
        submit.local(self.mta, user, compose("%s@host.example" % user, recipients, subject),
                     arguments or ("-t", "-i"))

    def local_with_sender(self):
        user, domain = self.random.choice([("alice", "alice-crafts.example"), ("carol", "shop.example")])
        sender = "bounce@" + domain
        self.local(user, note="sendmail -f", sender=sender, arguments=("-t", "-i", "-f", sender))

    def local_smtp(self):
        token = self.truth.token()
        recipients, subject = self.recipients(token), self.subject()
        self.truth.write(token=token, mta=self.mta, channel="local", account="bob", uid=5102,
                         sender="office@bobs-bikes.example", recipients=recipients, subject=subject,
                         note="sendmail -bs")
        submit.local_smtp(self.mta, "bob", "office@bobs-bikes.example", recipients,
                          compose("office@bobs-bikes.example", recipients, subject))

    def auth(self, login=None, client=None, note=None, port=587, subject=None, recipients=None, sender=None):
        login = login or self.random.choice(sorted(world.LOGINS))
        client = client or self.random.choice(CLIENTS)
        token = self.truth.token()
        recipients = [r.replace("TOKEN", token) for r in recipients or self.recipients(token)]
        subject, sender = subject or self.subject(), sender or login
        self.truth.write(token=token, mta=self.mta, channel="auth", account=world.LOGINS[login], login=login,
                         client=client, sender=sender, recipients=recipients, subject=subject, note=note)
        return submit.smtp(self.mta, sender, recipients, compose(sender, recipients, subject), login=login, client=client,
                           port=port, tls=self.random.random() < 0.7, helo="[%s]" % client,
                           mechanism=self.random.choice(["PLAIN", "LOGIN"]))

    def smtp(self):
        """A program of a customer that speaks SMTP to localhost: no uid, no login, only a sender."""
        domain, account = self.random.choice(sorted(world.DOMAINS.items()))
        token = self.truth.token()
        recipients, subject, sender = self.recipients(token), self.subject(), "app@" + domain
        self.truth.write(token=token, mta=self.mta, channel="smtp", account=account, client="127.0.0.1",
                         sender=sender, recipients=recipients, subject=subject, note="only the sender's domain tells")
        submit.smtp(self.mta, sender, recipients, compose(sender, recipients, subject), helo="app.local")

    def inbound(self, recipient="info@alice-crafts.example", note=None, sender=None):
        token = self.truth.token()
        sender = sender or "%s@partner.example" % token
        self.truth.write(token=token, mta=self.mta, channel="inbound", client="203.0.113.20", sender=sender,
                         recipients=[recipient], subject="Question " + token, note=note)
        submit.smtp(self.mta, sender, [recipient], compose(sender, [recipient], "Question " + token),
                    client="203.0.113.20", helo="mail.partner.example")

    # --- PHP ---

    def php(self, name, query=None, recipients=None, subject=None, token=None, note=None, group=None,
            outcome=None, sender="", client=None):
        """One request to a script that sends one message. `recipients` are those the server will see;
        `outcome`, if given, is that of each of them."""
        pool, account, script, library = world.SCRIPTS[name]
        token = token or self.truth.token()
        recipients = recipients or self.recipients(token)
        subject = subject or "%s %s" % (self.subject(), token)
        query = query or {"to": ", ".join(recipients), "subject": subject}
        self.truth.write(token=token, group=group, mta=self.mta, channel="php", account=account,
                         uid=world.USERS["www-data" if pool == "www" else pool], script=script,
                         script_line=None if library else world.mail_line(script),
                         library=world.LIBRARY if library else None,
                         library_line=world.mail_line(world.LIBRARY) if library else None,
                         sender=sender or None, recipients=recipients, subject=subject, note=note,
                         outcome=outcome and {r: outcome for r in recipients})
        return submit.fpm(self.mta, pool, script, query, client or self.random.choice(CLIENTS))

    def php_contact(self):
        """Everybody writes to the same owner about the same thing: only the copy tells them apart."""
        name = self.random.choice(["contact", "workshop", "blog", "oldblog"])
        token = self.truth.token()
        copy = "%s@dest2.example" % token
        owner, subject = {"contact": ("owner@dest.example", "Contact form"),
                          "workshop": ("owner@dest.example", "Contact form"),
                          "blog": ("dave@dest3.example", "Contact form"),
                          "oldblog": ("dave@dest3.example", "Contact form")}[name]
        self.php(name, {"to": owner, "subject": subject, "email": "visitor@isp.example\r\nBcc: " + copy},
                 [owner, copy], subject, token, note="same To and Subject as others", group=owner)

    def php_newsletter(self, count=4):
        """One request, several messages from the same line with the same subject."""
        tokens = [self.truth.token() for _ in range(count)]
        pool, account, script, _ = world.SCRIPTS["newsletter"]
        subscribers = ["%s@%s" % (t, self.random.choice(REMOTE + ["nouser.example"])) for t in tokens]
        for token, subscriber in zip(tokens, subscribers):
            self.truth.write(token=token, mta=self.mta, channel="php", account=account, uid=world.USERS[pool],
                             script=script, script_line=world.mail_line(script),
                             sender="info@alice-crafts.example", recipients=[subscriber],
                             subject="News from the workshop", note="newsletter loop")
        submit.fpm(self.mta, pool, script, {"to": ",".join(subscribers)})
        return count

    def php_plain(self):
        self.php(self.random.choice(["wpform", "wpform", "wpindex", "order", "eval", "report", "sharedorder", "blog",
                                     "contact"]))

    # --- all of it ---

    def kinds(self, php=True):
        plain = [(3, self.local), (2, self.local_with_sender), (6, self.auth), (3, self.smtp)]
        if os.path.exists("/srv/rig/run/no-login"):
            plain.remove((6, self.auth))
        # Sendmail refuses a client that talks before it is greeted; OpenSMTPD's command knows no -bs.
        if self.mta not in ("sendmail", "opensmtpd"):
            plain.append((1, self.local_smtp))
        scripts = [(4, self.php_contact), (1, self.php_newsletter), (6, self.php_plain)]
        return plain + (scripts if php else [])

    def run(self, count, php=True):
        """`count` messages, give or take the last newsletter; returns how many."""
        weights, kinds = zip(*self.kinds(php))
        sent = 0
        while sent < count:
            result = self.random.choices(kinds, weights)[0]()
            sent += result if isinstance(result, int) else 1
        return sent


def run_parallel(mta, truth, count, workers=4, php=True, seed=1):
    """Several senders at once, so that the log lines of messages interleave."""
    failures = []

    def work(number):
        try:
            Mix(mta, truth, seed * 100 + number).run(count // workers + (number < count % workers), php)
        except Exception as problem:     # reported below: a thread cannot fail the program itself
            failures.append(problem)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]

"""The world of the rig: customers, logins, sites, remote domains and how they answer.

Read by the traffic generator and by the sinks, so that what is sent, what the remote side says and
what truth.jsonl expects come from one place.
"""
import re

USERS = {"alice": 5101, "bob": 5102, "carol": 5103, "dave": 5104, "www-data": 33}

# SASL login -> hosting account
LOGINS = {
    "alice@host.example": "alice",
    "info@alice-crafts.example": "alice",
    "office@bobs-bikes.example": "bob",
    "info@shop.example": "carol",
    "orders@shop.example": "carol",
    "dave@dave-blog.example": "dave",
}
SECRET = "secret"

# hosted domain -> hosting account
DOMAINS = {
    "alice-crafts.example": "alice",
    "bobs-bikes.example": "bob",
    "shop.example": "carol",
    "dave-blog.example": "dave",
}

# recipient domain -> final outcome; the sinks answer accordingly
OUTCOMES = {
    "dest.example": "sent",
    "dest2.example": "sent",
    "dest3.example": "sent",
    "list.example": "sent",
    "nouser.example": "bounced",      # 550 5.1.1 at RCPT
    "spamtrap.example": "bounced",    # 550 5.7.1 after the data
    "grey.example": "deferred",       # 450 4.2.0 at RCPT, always
    "later.example": "deferred",      # 451 4.7.1 until told to accept: see LATER_FILE
    "down.example": "deferred",       # nobody listens
    "host.example": "sent",           # a local mailbox
}
OUTCOMES.update({domain: "sent" for domain in DOMAINS})

# later.example accepts mail from the moment this file exists
LATER_FILE = "/run/later.example.accepts"

SINKS = {
    "198.51.100.10": "dest.example",
    "198.51.100.11": "dest2.example",
    "198.51.100.12": "dest3.example",
    "198.51.100.20": "nouser.example",
    "198.51.100.21": "grey.example",
    "198.51.100.22": "spamtrap.example",
    "198.51.100.23": "later.example",
    "198.51.100.25": "list.example",
}

# mail server -> address for programs on the host, address for everybody else
ADDRESSES = {
    "postfix": ("127.0.0.1", "192.0.2.10"),
    "exim": ("127.0.0.2", "192.0.2.11"),
    "sendmail": ("127.0.0.3", "192.0.2.12"),
    "opensmtpd": ("127.0.0.4", "192.0.2.13"),
}

LIBRARY = "/home/bob/public_html/wp-includes/PHPMailer/PHPMailer.php"

# name -> (FPM pool, account, script, is mail() called by LIBRARY)
SCRIPTS = {
    "contact": ("alice", "alice", "/home/alice/public_html/contact.php", False),
    "workshop": ("alice", "alice", "/home/alice/public_html/workshop/contact.php", False),
    "newsletter": ("alice", "alice", "/home/alice/public_html/newsletter.php", False),
    "wpform": ("bob", "bob", "/home/bob/public_html/wp-content/plugins/forms/form.php", True),
    "wpindex": ("bob", "bob", "/home/bob/public_html/index.php", True),
    "upload": ("bob", "bob", "/home/bob/public_html/wp-content/uploads/2026/01/wp-cache.php", False),
    "order": ("carol", "carol", "/home/carol/public_html/order.php", False),
    "eval": ("carol", "carol", "/home/carol/public_html/lib/template.php", False),
    "report": ("carol", "carol", "/home/carol/public_html/admin/index.php", False),
    "blog": ("www", "dave", "/home/dave/public_html/contact.php", False),
    "oldblog": ("www", "dave", "/home/dave/public_html/old/contact.php", False),
    "refused": ("www", "dave", "/home/dave/public_html/refused.php", False),
    "inquiry": ("alice", "alice", "/home/alice/public_html/inquiry.php", False),
    "sharedorder": ("www", "carol", "/home/carol/public_html/order.php", False),
}


def mail_line(path):
    """Number of the line of a PHP file that calls mail(), or evaluates code that does."""
    with open(path, encoding="utf-8", errors="replace") as source:
        lines = source.readlines()
    for pattern in (r"\beval\(", r"(?<![\w$])mail\("):
        for number, line in enumerate(lines, 1):
            if re.search(pattern, line) and not line.lstrip().startswith("//"):
                return number
    return None


def takes_bare_newline(mta):
    """PHP ends the header lines of mail() with CRLF. Is an LF alone the end of one, too?"""
    return mta != "exim"


def domain_of(address):
    return address.rpartition("@")[2].lower()


def takes(sender, recipients, mta, channel):
    """OpenSMTPD's sendmail(8) gives up at the first recipient that is refused, and its server refuses
    addresses with quotes."""
    return mta != "opensmtpd" or channel not in ("local", "php") or \
        not any(a.startswith(("nobody-", '"')) for a in [sender or "", *recipients])


def expected(address, mta, channel):
    """What becomes of one recipient, unless the message as a whole is refused. Postfix, Sendmail and OpenSMTPD
    refuse mailboxes that they do not have while a client still talks to them; the rig's Exim returns
    the mail."""
    if address.startswith("nobody-"):
        return "rejected" if mta != "exim" and channel in ("auth", "smtp", "inbound") else "bounced"
    return OUTCOMES.get(domain_of(address), "bounced")

#!/usr/bin/env python3
"""alerts_flood.py BUILD_DIR: ten thousand findings are some mails and one digest.

The findings are rows put into a database as mailauditd writes them, the first of them with names that try
everything a log line can hold: line ends, HTML, escape sequences, NUL, bytes that are no UTF-8, a megabyte.
`mailaudit notify` hands its mails to a program that files them. No more than alerts.per_hour may come, and one
digest that tells of the rest; no payload may be a header, a tag or a control byte in any of them. Then mutes and
acknowledgements: what they silence stays silent, and comes back when it should.
"""
import email
import email.policy
import glob
import html.parser
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

FINDINGS, PER_HOUR = 10000, 20
HEADERS = {"From", "To", "Subject", "Date", "Message-Id", "Message-ID", "MIME-Version", "Content-Type",
           "Auto-Submitted", "X-Mailaudit-Alert", "X-Mailaudit-Case", "X-Mailaudit-Severity",
           "Content-Transfer-Encoding"}
PAYLOADS = [
    "x\r\nBcc: victim@example.org\r\n\r\nbody", "x\nSubject: other", "x\r.\r\n.\r\nMAIL FROM:<a@b>",
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</td></table><h1>owned",
    "&lt;b&gt;", "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "a\0b", b"\xff\xfe\xc0\xaf".decode("latin-1"),
    "\u202egnp.exe", "=?utf-8?q?=0ABcc:_x@example.org?=", "{{#findings}}{{name}}", "{{{summary}}}",
    "$(touch /tmp/owned)", "`id`", "; rm -rf /", "%s%s%n", "A" * 1000000, "\U0001f4a9" * 300,
]
SENDMAIL = """#!/bin/sh
n=$(ls "{dir}/mails" | wc -l)
printf '%s\\n' "$@" >"{dir}/args/$n"
cat >"{dir}/mails/$n"
"""
SETTINGS = """\
hostname: host.example
database: {dir}/db
alerts: {{to: [admin@example.net], sendmail: {dir}/sendmail, per_hour: {per_hour}, journal: off}}
"""


class Tags(html.parser.HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


class World:
    def __init__(self, build, folder):
        self.build, self.dir = build, folder
        self.config = os.path.join(folder, "mailaudit.yaml")
        for name in ("mails", "args"):
            os.mkdir(os.path.join(folder, name))
        self.write("sendmail", SENDMAIL.format(dir=folder))
        os.chmod(os.path.join(folder, "sendmail"), 0o755)
        self.write("mailaudit.yaml", SETTINGS.format(dir=folder, per_hour=PER_HOUR))
        self.write("empty.log", "")
        self.run("import", os.path.join(folder, "empty.log"))

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def run(self, *words, codes=(0,)):
        run = subprocess.run([self.build + "/mailaudit", "--config", self.config, "--format", "json",
                              *words], capture_output=True, check=False)
        if run.returncode not in codes:
            raise RuntimeError("%s: exit %d: %s" % (words, run.returncode, run.stderr.decode()))
        text = run.stdout.decode()
        return json.loads(text) if text[:1] in ("[", "{") else text

    def db(self):
        return sqlite3.connect(os.path.join(self.dir, "db"), timeout=30)

    def find(self, rows):
        """Puts findings as mailauditd does: (id, login, script, subject, recipients)."""
        now = int(time.time() * 1e6)
        with self.db() as db:
            db.execute("REPLACE INTO meta VALUES ('watermark', ?)", (now,))
            for number, login, script, subject, recipients in rows:
                db.execute("INSERT OR IGNORE INTO account (id, text) VALUES (1, 'alice')")
                db.execute("INSERT OR IGNORE INTO login (text) VALUES (?)", (login,))
                db.execute("INSERT OR IGNORE INTO path (text) VALUES (?)", (script,))
                db.execute(
                    "REPLACE INTO finding (id, stream, time, first_seen, last_seen, severity, verdict,"
                    " account, login, script, messages, recipients, summary, evidence, sources,"
                    " queue_ids, subjects) SELECT ?, ?, ?, ?, ?, 1, 6, 1, l.id, p.id, ?, ?, ?, ?, ?,"
                    " ?, ? FROM login l, path p WHERE l.text = ? AND p.text = ?",
                    (number, number, now, now, now, recipients, recipients, "login: " + subject[:300],
                     "volume 9.0: " + subject[:300], "203.0.113.7 VN AS131429 12 messages",
                     "4jY7c21rRNz4G", subject, login, script))
                db.execute("REPLACE INTO news VALUES (?, ?, 0)", (number, number))

    def mails(self):
        found = []
        for path in sorted(glob.glob(self.dir + "/mails/*"), key=lambda p: int(os.path.basename(p))):
            with open(path, "rb") as f:
                found.append(email.message_from_binary_file(f, policy=email.policy.default))
        return found

    def forget_mails(self):
        for path in glob.glob(self.dir + "/mails/*"):
            os.unlink(path)

    def hour_ago(self):
        """What was sent was sent an hour ago."""
        with self.db() as db:
            db.execute("UPDATE outbox SET done = done - 3700000000 WHERE done IS NOT NULL")
            db.execute("UPDATE notify_meta SET value = value - 3700000000")


class Checks:
    def __init__(self):
        self.bad = 0

    def that(self, what, good, got=""):
        if not good:
            print("wrong:", what, got)
            self.bad += 1


def check_mail(checks, message):
    """One mail: its headers are ours, its HTML has our tags only, and no control byte."""
    name = "%s %r:" % (message["X-Mailaudit-Alert"], (message["Subject"] or "")[:60])
    checks.that(name + " headers", set(message.keys()) <= HEADERS, set(message.keys()) - HEADERS)
    checks.that(name + " To", message["To"] == "admin@example.net", message["To"])
    for part in message.walk():
        checks.that(name + " defects", not part.defects, part.defects)
        if part.is_multipart():
            continue
        text = part.get_content()
        bad = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]",
                        text.replace("\r\n", "\n"))
        checks.that(name + " control characters", not bad, bad and repr(text[bad.start() - 20:][:50]))
        if part.get_content_type() == "text/html":
            tags = Tags()
            tags.feed(text)
            checks.that(name + " tags", not tags.tags & {"script", "img", "iframe", "svg", "b0"},
                        tags.tags)
            checks.that(name + " handlers", not [a for a in tags.attributes if a.startswith("on")])
        checks.that(name + " size", len(text) < 300000, len(text))
        checks.that(name + " template", "{{" not in text.replace("{{#findings}}{{name}}", "")
                    .replace("{{{summary}}}", ""))


def flood(world, checks):
    rows = [(i + 1, "l%d@a.example" % i if i % 2 else text, "/home/alice/" + text, text, 9)
            for i, text in enumerate(PAYLOADS)]
    rows += [(i + 1, "login%d@a.example" % i, "", "Hello %d" % i, 9)
             for i in range(len(rows), FINDINGS)]
    world.find(rows)
    follower = subprocess.Popen([world.build + "/mailaudit", "--config", world.config, "notify",
                                 "--follow"])
    end = time.time() + 200
    while time.time() < end and len(world.mails()) < PER_HOUR + 1:
        time.sleep(1)
    time.sleep(3)
    follower.terminate()
    checks.that("notify ends well", follower.wait(timeout=60) == 0)
    found = world.mails()
    checks.that("mails", len(found) == PER_HOUR + 1, len(found))
    for message in found:
        check_mail(checks, message)
    digests = [m for m in found if not (m["X-Mailaudit-Alert"] or "").split(".")[0].strip("0")]
    checks.that("one digest", len(digests) == 1, len(digests))
    for digest in digests:
        text = digest.get_body(("plain",)).get_content()
        checks.that("the digest's number", str(FINDINGS - PER_HOUR) in text, text[:300])
    states = dict(world.db().execute("SELECT state, count(*) FROM outbox GROUP BY state"))
    checks.that("outbox", states == {1: PER_HOUR + 1, 3: FINDINGS - PER_HOUR}, states)
    checks.that("no file was made", not os.path.exists("/tmp/owned"))
    for path in glob.glob(world.dir + "/args/*"):
        with open(path, encoding="utf-8") as f:
            checks.that("argv", f.read().split("\n")[-2] == "admin@example.net")


def silence(world, checks):
    """Mutes, and acknowledgements."""
    world.forget_mails()
    world.hour_ago()
    quiet, acked = FINDINGS + 1, FINDINGS + 2
    world.run("mute", "login", "quiet@a.example", "--for", "1h", "--because", "a test")
    world.find([(quiet, "quiet@a.example", "", "q", 9), (acked, "acked@a.example", "", "a", 9)])
    world.run("notify")
    checks.that("a muted login is not told", len(world.mails()) == 1, len(world.mails()))
    alert = [a for a in world.run("alerts", "--limit", "5") if a["name"] == "acked@a.example"][0]
    world.run("ack", str(alert["id"]), "--because", "on it")
    world.find([(acked, "acked@a.example", "", "a", 900)])
    world.run("notify")
    checks.that("an acknowledged one is not told again", len(world.mails()) == 1, len(world.mails()))
    row = world.run("alerts", str(alert["id"]))
    checks.that("but it has a new version", row["version"] == 2, row["version"])
    checks.that("and says who", row["ack_note"] == "on it" and row["acked_by"], row["acked_by"])
    checks.that("mutes", [m["name"] for m in world.run("mute")] == ["quiet@a.example"])
    world.run("unmute", "login", "quiet@a.example")
    world.run("notify")
    told = [m["Subject"] for m in world.mails()]
    checks.that("what was muted is told then", len(told) == 2, told)
    world.run("unmute", "login", "quiet@a.example", codes=(1,))


def main():
    if len(sys.argv) != 2:
        sys.exit(64)
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as folder:
        world = World(os.path.abspath(sys.argv[1]), folder)
        flood(world, checks)
        silence(world, checks)
    print("%d findings: %d mails and a digest; %d wrong" % (FINDINGS, PER_HOUR, checks.bad))
    sys.exit(1 if checks.bad else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The mails about alerts, read by parsers of other people's: Python's email and html.

    mail_format.py BUILD_DIR

Hosts that were captured from real servers are imported, each finding becomes an alert, and the
mails of each kind in each language are taken apart: no defect, no control byte, both alternatives
say the same, and what a log wrote stays text. Then all that a log can write is put in place of what
these wrote."""

import email
import email.policy
import html.parser
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = ""
CASES = ("detect-botnet", "detect-botnet-exim", "detect-form", "detect-mailer", "demo")
LANGUAGES = ("en", "de")
ENV = dict(os.environ, TZ="UTC", LC_ALL="C")

TAGS = {"html", "head", "meta", "title", "body", "table", "tr", "td", "th", "h1", "h2", "p", "ul",
        "ol", "li", "b", "br", "font"}
EMPTY = {"meta", "br"}
ATTRIBUTES = {"style", "width", "height", "bgcolor", "align", "valign", "cellpadding", "cellspacing",
              "border", "role", "title", "lang", "charset", "name", "content", "color", "nowrap"}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

PAYLOADS = {
    "header": "x\r\nBcc: evil@example.com\r\n\r\nbody",
    "html": "</td></table><script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover=\"alert(1)\" x='",
    "terminal": "\x1b[2J\x1b]0;owned\x07 \x9b31m",
    "bidi": "invoice\u202efdp.exe\u2066\u2028new line\u0085next",
    "encoded": "=?utf-8?q?=0D=0ABcc:_evil@example.com?=",
    "boundary": "--=_mailaudit--\nFrom x\n.\n",
    "template": "{{#evidence}}{{.}}{{/evidence}} {{{x}}}",
    "entities": "&lt;script&gt; &#60;b&#62; &amp;",
    "letters": "Grüße \U0001f4a9 漢字 \u0301",
    "nul": "a\x00b",
    "bytes": b"\xff\xfe\xc3 \xed\xa0\x80 \xf4\x90\x80\x80",
    "long": "0123456789" * 100000,
}


class Tree(html.parser.HTMLParser):
    """The text of a page; fails on a tag or an attribute that our templates do not have."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text, self.wrong = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.wrong.append("<%s>" % tag)
        for name, value in attrs:
            if name not in ATTRIBUTES or "url(" in (value or "") or "expression" in (value or ""):
                self.wrong.append("%s=%s" % (name, value))
        if tag not in EMPTY:
            self.open.append(tag)
        if tag in ("br", "p", "tr", "td", "th", "li", "h1", "h2", "div"):
            self.text.append(" ")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append("</%s>" % tag)

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        self.wrong.append("<!--")


def run(*args):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, check=False)
    if done.returncode:
        raise AssertionError("%s: exit %d: %s" % (args[0], done.returncode,
                                                  done.stderr.decode(errors="replace")[-2000:]))
    return done.stdout


def sources(case):
    with open(os.path.join(case, "mailaudit.yaml"), encoding="utf-8") as f:
        return [os.path.join(case, line.split("path:")[1].split(",")[0].strip())
                for line in f if line.startswith("  - {path: logs/")]


def raise_alerts(database):
    """An alert for each finding, as notify makes them. Returns their ids."""
    with sqlite3.connect(database) as db:
        db.text_factory = bytes
        rows = db.execute(
            "SELECT f.id, f.severity, f.verdict, f.summary, f.messages, f.recipients, f.time,"
            " f.first_seen, f.last_seen, a.text, l.text FROM finding f LEFT JOIN account a ON"
            " a.id = f.account LEFT JOIN login l ON l.id = f.login ORDER BY f.id").fetchall()
        for n, severity, verdict, summary, messages, recipients, time, first, last, account, login \
                in rows:
            subject = b"login\n" + login if login else b"account\n" + account
            db.execute(
                "INSERT INTO alert (id, subject, account, version, state, severity, verdict, cases,"
                " summary, messages, recipients, told_recipients, opened, changed, first_seen,"
                " last_seen) VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), 1, 0, ?, ?, ?,"
                " CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?)",
                (n, subject, account, severity, verdict, 1 << verdict, summary, messages,
                 recipients, recipients, time, time, first, last))
            db.execute("INSERT INTO alert_finding VALUES (?, ?)", (n, n))
    db.close()
    return [row[0] for row in rows]


class Host:
    def __init__(self, directory, case):
        case = os.path.join(TOP, "tests", "replay", case)
        self.database = os.path.join(directory, os.path.basename(case) + ".db")
        run(os.path.join(BUILD, "mailaudit"), "--config", os.path.join(case, "mailaudit.yaml"),
            "--db", self.database, "import", *sources(case))
        self.alerts = raise_alerts(self.database)
        self.settings = {}
        for language in LANGUAGES:
            self.settings[language] = "%s.%s.yaml" % (self.database, language)
            with open(self.settings[language], "w", encoding="utf-8") as out:
                out.write("hostname: host.example\n"
                          "alerts: {to: [root, admin@example.net], language: %s}\n" % language)

    def compose(self, language, what, *alerts):
        return run(os.path.join(BUILD, "tests/mail/compose"), self.database,
                   self.settings[language], what, *map(str, alerts))

    def facts(self, what="facts", *alerts):
        return json.loads(self.compose("en", what, *alerts))

    def kinds(self):
        """(what, alerts) of all mails there are."""
        for n in self.alerts:
            yield "alert", (n,)
            yield "owner", (n,)
        yield "digest", self.alerts
        yield "summary", ()

    def write(self, payload):
        """Puts this text wherever text of a log is."""
        value = payload if isinstance(payload, bytes) else payload.encode()
        listed = value.replace(b"\n", b" ")[:400]
        with sqlite3.connect(self.database) as db:
            for column in ("evidence", "why", "advice", "sources", "answers", "queue_ids",
                           "subjects", "summary"):
                db.execute("UPDATE finding SET %s = CAST(? AS TEXT)" % column, (listed,))
            db.execute("UPDATE alert SET summary = CAST(?1 AS TEXT), account = CAST(?1 AS TEXT),"
                       " acked = 1, acked_by = CAST(?1 AS TEXT),"
                       " subject = CAST(CAST('login' || char(10) AS BLOB) || ?1 AS TEXT)", (value,))
            for table in ("account", "login", "path"):
                db.execute("UPDATE %s SET text = CAST(? AS TEXT) WHERE id = 1" % table, (value,))
                db.execute("UPDATE finding SET %s = 1" % {"path": "script"}.get(table, table))
        db.close()


class Format(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="mailaudit-mail-")
        cls.hosts = {case: Host(cls.directory.name, case) for case in CASES}

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def take_apart(self, raw):
        """(mail, text, words of the HTML), after what holds for every mail."""
        self.assertIsNone(re.search(rb"[^\t\n\x20-\x7e]", raw), "bytes that are not printable ASCII")
        self.assertLessEqual(max(map(len, raw.split(b"\n"))), 998)
        self.assertLess(len(raw), 200 * 1024)
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        for part in mail.walk():
            self.assertEqual(part.defects, [])
            for name, value in part.items():
                self.assertEqual(getattr(value, "defects", ()), (), "%s: %s" % (name, value))
        self.assertEqual(mail.get_content_type(), "multipart/alternative")
        parts = list(mail.iter_parts())
        self.assertEqual([p.get_content_type() for p in parts], ["text/plain", "text/html"])
        for part in parts:
            self.assertEqual(part.get_content_charset(), "utf-8")
            self.assertEqual(part["content-transfer-encoding"], "quoted-printable")
            self.assertIsNone(CONTROLS.search(part.get_content()))
        page = Tree()
        page.feed(parts[1].get_content())
        page.close()
        self.assertEqual(page.wrong, [])
        self.assertEqual(page.open, [])
        return mail, parts[0].get_content(), " ".join("".join(page.text).split())

    def head(self, mail, what):
        names = [name.lower() for name in mail.keys()]
        self.assertEqual(len(names), len(set(names)))
        wanted = {"date", "from", "subject", "to", "message-id", "auto-submitted", "mime-version",
                  "content-type"}
        if what in ("alert", "owner"):
            wanted |= {"x-mailaudit-alert", "x-mailaudit-case", "x-mailaudit-severity"}
        self.assertEqual(set(names), wanted)
        self.assertEqual(mail["from"].addresses[0].addr_spec, "mailaudit@host.example")
        self.assertEqual([a.addr_spec for a in mail["to"].addresses],
                         ["root@host.example", "admin@example.net"])
        self.assertEqual(mail["message-id"], "<mailaudit.1.1@host.example>")
        self.assertEqual(mail["auto-submitted"], "auto-generated")
        self.assertIsNotNone(mail["date"].datetime.tzinfo)
        self.assertLessEqual(len(mail["subject"]), 260)
        self.assertIsNone(CONTROLS.search(mail["subject"]))

    def test_every_mail(self):
        for case, host in self.hosts.items():
            for language in LANGUAGES:
                for what, alerts in host.kinds():
                    with self.subTest(case=case, language=language, what=what, alerts=alerts):
                        mail, text, words = self.take_apart(host.compose(language, what, *alerts))
                        self.head(mail, what)
                        self.assertNotIn("{{", text + words)
                        self.assertNotRegex(text + words, r"\bnull\b|\btrue\b")

    def both_have(self, text, words, *values):
        squeezed = " ".join(text.split())
        for value in values:
            value = " ".join(str(value).split())
            self.assertIn(value, squeezed)
            self.assertIn(value, words)

    def test_alternatives_say_the_same(self):
        for case, host in self.hosts.items():
            for n in host.alerts:
                facts = host.facts("facts", n)
                for language in LANGUAGES:
                    with self.subTest(case=case, language=language, alert=n):
                        _, text, words = self.take_apart(host.compose(language, "alert", n))
                        self.both_have(text, words, facts["subject"]["name"] if facts["login"]
                                       else facts["script"], facts["account"], facts["messages"],
                                       facts["recipients"], facts["new_recipients"],
                                       facts["lasted"], facts["first_shown"], facts["last_shown"],
                                       facts["outcomes"]["sent"])
                        for name in ("evidence", "why", "advice", "answers", "subjects",
                                     "queue_ids", "countries"):
                            self.both_have(text, words, *facts[name])
                        for commands in facts["commands"].values():
                            self.both_have(text, words, *commands)
                        for source in facts["sources"]:
                            self.both_have(text, words, source["ip"])
                        for row in facts["scripts"]:
                            self.both_have(text, words, row["script"], "%d %%" % row["share"])

    def test_owner_sees_no_commands(self):
        for host in self.hosts.values():
            for n in host.alerts:
                for language in LANGUAGES:
                    _, text, words = self.take_apart(host.compose(language, "owner", n))
                    for word in ("mailaudit ", "postsuper", "exim -", "doveadm", "chmod"):
                        self.assertNotIn(word, text + words)

    def test_subject(self):
        facts = self.hosts["detect-botnet"].facts("facts", 1)
        mail, _, _ = self.take_apart(self.hosts["detect-botnet"].compose("en", "alert", 1))
        self.assertEqual(mail["subject"],
                         "[mailaudit] case 4: login info@shop.example: %d messages from %d countries"
                         " in %s" % (facts["messages"], len(facts["countries"]), facts["lasted"]))
        mail, _, _ = self.take_apart(self.hosts["detect-form"].compose("de", "alert", 1))
        self.assertEqual(mail["subject"], "[mailaudit] Fall 3a: /home/alice/public_html/inquiry.php:"
                         " 16 Mails an 96 Empfänger in 1 s")

    def test_chart(self):
        host = self.hosts["detect-botnet"]
        hours = host.facts("facts", 1)["hours"]
        self.assertEqual(len(hours), 24)
        with sqlite3.connect(host.database) as db:
            truth = dict(db.execute(
                "SELECT strftime('%Y-%m-%dT%H:00:00Z', time / 1000000, 'unixepoch'),"
                " sum(recipients) FROM message WHERE login = (SELECT id FROM login WHERE text ="
                " 'info@shop.example') GROUP BY 1"))
        db.close()
        for hour in hours:
            self.assertEqual(hour["recipients"], truth.get(hour["hour"], 0))
        self.assertEqual(max(h["percent"] for h in hours), 100)
        _, text, _ = self.take_apart(host.compose("en", "alert", 1))
        bars = [line for line in text.splitlines() if "####" in line]
        self.assertTrue(bars and max(map(len, bars)) <= 78)

    def test_outcomes(self):
        """What the facts say became of the mail is what the list of messages says."""
        host = self.hosts["detect-form"]
        outcomes = host.facts("facts", 1)["outcomes"]
        rows = [json.loads(line) for line in run(
            os.path.join(BUILD, "mailaudit"), "--db", host.database, "--format", "jsonl", "messages",
            "--script", "/home/alice/public_html/inquiry.php", "--since", "2026-11-24 19:35")
            .splitlines()]
        for status, n in outcomes.items():
            self.assertEqual(n, sum(r["status"] == status for m in rows for r in m["recipients"]),
                             status)

    def keys_of(self, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from self.keys_of(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self.keys_of(inner)

    def test_manual(self):
        """mailaudit-alerts(5) names every key, and no other."""
        host = self.hosts["detect-form"]
        keys = set()
        for facts in (host.facts("facts", 1), host.facts("digest-facts", 1),
                      host.facts("summary-facts"), self.hosts["detect-botnet"].facts("facts", 1)):
            keys |= set(self.keys_of(facts))
        with open(os.path.join(TOP, "docs", "man", "mailaudit-alerts.5"), encoding="utf-8") as f:
            page = f.read()
        named = set()
        for line in re.findall(r"^\.(?:It )?Ic (.*)$", page, re.M):
            named |= set(re.findall(r"[a-z_.]+", line))
        named -= {"alerts.owner", "alerts.per_hour", "alerts.templates", "."}
        words = {"opened", "updated", "reopened", "quiet", "closed"} # event_is: told as words
        self.assertEqual(keys - named - words, set())
        self.assertEqual(named - keys, set())

    def test_payloads(self):
        with tempfile.TemporaryDirectory(prefix="mailaudit-mail-") as directory:
            host = Host(directory, "detect-form")
            for name, payload in PAYLOADS.items():
                host.write(payload)
                for language in LANGUAGES:
                    for what, alerts in host.kinds():
                        with self.subTest(payload=name, language=language, what=what):
                            mail, text, words = self.take_apart(
                                host.compose(language, what, *alerts))
                            self.head(mail, what)
                            self.assertNotIn("\nBcc", mail["subject"])
                            if name == "html" and what == "alert":
                                self.both_have(text, words, payload)
                            if name == "letters" and what == "alert":
                                self.assertIn("Grüße \U0001f4a9 漢字", mail["subject"])
                for commands in host.facts("facts", 1)["commands"].values():
                    for command in commands:
                        self.assertRegex(command, r"\A[a-z]+ [A-Za-z0-9@._+/ |-]*\Z")


def main():
    global BUILD
    BUILD = os.path.abspath(sys.argv.pop(1))
    if "+gmime" not in run(os.path.join(BUILD, "mailaudit"), "--version").decode():
        print("mailaudit was built without GMime")
        sys.exit(77)
    unittest.main()


if __name__ == "__main__":
    main()

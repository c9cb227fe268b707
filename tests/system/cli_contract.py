#!/usr/bin/env python3
"""The command line's contract: every command in every format, on a database
that `mailaudit import` made from the logs of tests/replay.

    cli_contract.py BUILD_DIR

Keys are stable: a key that goes, or changes its place, fails here."""

import csv
import datetime
import fcntl
import gzip
import io
import json
import os
import pty
import re
import select
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
DEMO = os.path.join(TOP, "tests", "replay", "demo")
PROGRAM = ""

MESSAGE_KEYS = (
    "host instance queue_id message_id time state direction channel account via login uid "
    "client_ip helo script script_line sender subject size recipients php "
    "parent ambiguous closed cwd").split()
RECIPIENT_KEYS = "address orig_to status dsn relay response time".split()
PHP_OF_MESSAGE_KEYS = "time script line to subject headers state ambiguous".split()
PHP_KEYS = ("time host account state ambiguous script line eval to subject headers message_id "
            "uid trust").split()
VOLUME_KEYS = "messages recipients pending sent deferred bounced expired rejected".split()
SHARE_KEYS = ["name"] + VOLUME_KEYS + ["first_seen", "last_seen"]
ACCOUNT_KEYS = ("account first_seen last_seen volumes directions php direct scripts logins networks "
                "via senders outcomes days findings").split()
STATUS_KEYS = ("database schema_version bytes created watermark oldest messages open recipients "
               "php_mail lines parsed noise unknown rates sources unknown_lines inbound "
               "open_findings streams open_alerts unsent losses").split()
SOURCE_KEYS = ("path last lag_bytes lag_entries lag_seconds lines parsed noise unknown unknown_share cut "
               "offset").split()
FINDING_KEYS = (
    "id time first_seen last_seen severity case account login script host summary score evidence "
    "messages recipients leaked_before line closed reopened title novel results unknown_users "
    "spam_answers sources answers queue_ids subjects why advice").split()
SCORE_KEYS = "volume origin delivery injection script identity".split()
FINDING_LISTS = "evidence sources answers queue_ids subjects why advice".split()
HEURISTIC_KEYS = "name family summary about settings".split()
IMPORT_KEYS = "lines parsed unknown messages recipients php_mail findings files left seconds".split()

CHOICES = {
    "state": {"open", "done", "held", "deleted", "discarded", "rejected", "lost"},
    "direction": {"outbound", "forwarded", "local", "inbound", None},
    "channel": {"local", "auth", "smtp", "internal", None},
    "via": {"ref", "header", "phplog", "cwd", "sasl", "uid", "domain", None},
}
STATUSES = {"sent", "deferred", "bounced", "expired", "rejected", "pending"}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z$")
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def run(*args, env=None, stdin=b"", cwd=None):
    """(exit status, standard output, standard error)"""
    environment = dict(os.environ, TZ="UTC", LC_ALL="C", **(env or {}))
    done = subprocess.run([PROGRAM, *args], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment, cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def feed_slowly(writer, lines):
    """A few lines at a time, for about a second; closes the pipe."""
    for i in range(0, len(lines), 10):
        os.write(writer, b"".join(lines[i:i + 10]))
        time.sleep(0.15)
    os.close(writer)


def run_on_terminal(columns, *args, env=None, stdin=None):
    """What the program writes to a terminal that is so wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    environment.update({"TERM": "xterm", "TZ": "UTC", **(env or {})})
    child = subprocess.Popen([PROGRAM, *args], stdin=stdin, stdout=slave, stderr=slave,
                             env=environment)
    os.close(slave)
    text = b""
    while select.select([master], [], [], 20)[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        text += chunk
    child.wait()
    os.close(master)
    return text.decode().replace("\r\n", "\n")


def import_logs(db, case, *names):
    """Into db; returns what import told."""
    files = [os.path.join(case, "logs", n) for n in names]
    code, out, err = run("--config", os.path.join(case, "mailaudit.yaml"), "--db", db,
                         "--format", "json", "import", "--year", "2026", *files)
    if code != 0:
        raise AssertionError("import: %d %s" % (code, err))
    return json.loads(out)


DEMO_LOGS = ("mail.log", "alice/php-mail.log", "bob/php-mail.log", "carol/php-mail.log")


class Contract(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mailaudit-cli-")
        cls.db = os.path.join(cls.folder, "demo.db")
        cls.told = import_logs(cls.db, DEMO, *DEMO_LOGS)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def ask(self, *args, code=0, env=None):
        got, out, err = run("--db", self.db, *args, env=env)
        self.assertEqual(got, code, "%s: %s" % (args, err))
        return out

    def ask_json(self, *args, code=0):
        return json.loads(self.ask("--format", "json", *args, code=code))

    def assert_stamp(self, text):
        self.assertRegex(text, STAMP)


class Messages(Contract):
    def setUp(self):
        self.rows = self.ask_json("messages")

    def test_keys(self):
        self.assertEqual(len(self.rows), self.told["messages"])
        for row in self.rows:
            self.assertEqual(list(row), MESSAGE_KEYS)
            for r in row["recipients"]:
                self.assertEqual(list(r), RECIPIENT_KEYS)
                self.assertIn(r["status"], STATUSES)
            if row["php"] is not None:
                self.assertEqual(list(row["php"]), PHP_OF_MESSAGE_KEYS)

    def test_values(self):
        for row in self.rows:
            for key, values in CHOICES.items():
                self.assertIn(row[key], values)
            self.assert_stamp(row["time"])
            self.assertIsInstance(row["ambiguous"], bool)
            for key in ("uid", "size", "script_line"):
                self.assertTrue(row[key] is None or isinstance(row[key], int))
            for key, value in row.items():
                if key != "sender": # "" there is the null sender
                    self.assertNotEqual(value, "", key)
        times = [row["time"] for row in self.rows]
        self.assertEqual(times, sorted(times, reverse=True), "newest first")
        self.assertTrue(any(row["php"] for row in self.rows))

    def test_null_sender(self):
        """A bounce's sender is known: it is "", and can be asked for."""
        bounces = [r["queue_id"] for r in self.rows if r["sender"] == ""]
        self.assertTrue(bounces)
        self.assertEqual([r["queue_id"] for r in self.ask_json("messages", "--sender", "")],
                         bounces)

    def test_truth(self):
        """Who sent what: the rig's own record of it."""
        with open(os.path.join(DEMO, "truth.jsonl"), encoding="utf-8") as f:
            truth = [json.loads(line) for line in f]
        found = {}
        for row in self.rows:
            for r in row["recipients"]:
                found.setdefault(r["address"], set()).add(row["account"])
        sent = [t for t in truth if t["queued"] and t["account"]]
        self.assertGreater(len(sent), 20)
        for t in sent:
            for address in t["recipients"]:
                self.assertIn(t["account"], found.get(address, ()), t)

    def test_formats_agree(self):
        lines = self.ask("--format", "jsonl", "messages").splitlines()
        self.assertEqual([json.loads(line) for line in lines], self.rows)
        text = self.ask("--format", "csv", "messages")
        self.assertTrue(text.endswith("\r\n"))
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual(list(rows[0]), MESSAGE_KEYS)
        self.assertEqual(len(rows), len(self.rows))
        for flat, row in zip(rows, self.rows):
            self.assertEqual(flat["queue_id"], row["queue_id"] or "")
            self.assertEqual(flat["size"], "" if row["size"] is None else str(row["size"]))
            self.assertEqual(json.loads(flat["recipients"]), row["recipients"])
            self.assertEqual(json.loads(flat["php"] or "null"), row["php"])

    def test_filters(self):
        def ids(*args, code=0):
            return [r["queue_id"] for r in self.ask_json("messages", *args, code=code)]

        def where(test):
            return [r["queue_id"] for r in self.rows if test(r)]

        some = next(r for r in self.rows if r["login"] and r["client_ip"] and r["recipients"])
        script = next(r["script"] for r in self.rows if r["script"])
        mine = [
            (("--account", "alice"), lambda r: r["account"] == "alice"),
            (("--account=",), lambda r: r["account"] is None),
            (("--login", some["login"]), lambda r: r["login"] == some["login"]),
            (("--ip", some["client_ip"]), lambda r: r["client_ip"] == some["client_ip"]),
            (("--script", "*" + os.path.basename(script)),
             lambda r: (r["script"] or "").endswith(os.path.basename(script))),
            (("--sender", some["sender"]), lambda r: r["sender"] == some["sender"]),
            (("--rcpt", some["recipients"][0]["address"]),
             lambda r: some["recipients"][0]["address"] in
             [a for x in r["recipients"] for a in (x["address"], x["orig_to"])]),
            (("--status", "bounced"),
             lambda r: "bounced" in [x["status"] for x in r["recipients"]]),
            (("--direction", "outbound"), lambda r: r["direction"] == "outbound"),
            (("--since", some["time"]), lambda r: r["time"] >= some["time"]),
            (("--until", some["time"]), lambda r: r["time"] < some["time"]),
        ]
        for args, test in mine:
            self.assertEqual(sorted(map(str, ids(*args))), sorted(map(str, where(test))), args)
            self.assertTrue(where(test), args)
        self.assertEqual(ids("--limit", "3"), [r["queue_id"] for r in self.rows][:3])
        self.assertEqual(ids("--account", "nobody-here", code=1), [])

    def test_nothing(self):
        for form, text in (("json", "[]\n"), ("jsonl", ""), ("table", ""),
                           ("csv", ",".join(MESSAGE_KEYS) + "\r\n")):
            self.assertEqual(self.ask("--format", form, "messages", "--login", "x@y.example",
                                      code=1), text)


class Others(Contract):
    def test_account(self):
        account = self.ask_json("account", "alice")
        rows = self.ask_json("messages", "--account", "alice")
        self.assertEqual(list(account), ACCOUNT_KEYS)
        self.assertEqual(list(account["volumes"]), VOLUME_KEYS)
        self.assertEqual(account["volumes"]["messages"], len(rows))
        self.assertEqual(account["volumes"]["recipients"],
                         sum(len(r["recipients"]) for r in rows))
        for status in STATUSES:
            self.assertEqual(account["volumes"][status], sum(
                x["status"] == status for r in rows for x in r["recipients"]), status)
        self.assertEqual(account["last_seen"], rows[0]["time"])
        self.assertEqual(account["first_seen"], rows[-1]["time"])
        self.assertEqual(account["direct"], {"smtp": 0, "submission": 0, "last_seen": None})
        for part in ACCOUNT_KEYS[7:-1]:
            for share in account[part]:
                self.assertEqual(list(share), SHARE_KEYS, part)
        self.assertTrue(account["scripts"] and account["outcomes"] and account["days"])
        flat = dict(csv.reader(io.StringIO(self.ask("--format=csv", "account", "alice"))))
        self.assertEqual(flat["volumes.messages"], str(len(rows)))
        self.assertEqual(json.loads(self.ask("--format=jsonl", "account", "alice")), account)
        self.assertIn("Scripts", self.ask("account", "alice"))
        self.ask("account", "nobody-here", code=1)

    def test_top(self):
        for what in ("accounts", "scripts", "logins", "ips", "senders", "domains"):
            rows = self.ask_json("top", what)
            self.assertTrue(rows, what)
            for row in rows:
                self.assertEqual(list(row), SHARE_KEYS)
            counts = [row["messages"] for row in rows]
            self.assertEqual(counts, sorted(counts, reverse=True))
            by = self.ask_json("top", what, "--by", "recipients")
            counts = [row["recipients"] for row in by]
            self.assertEqual(counts, sorted(counts, reverse=True))
            self.assertEqual({r["name"] for r in by}, {r["name"] for r in rows})
            self.assertEqual(len(self.ask_json("top", what, "--limit=1")), 1)
        self.ask("top", "accounts", "--until", "1990-01-01", code=1)

    def test_trace(self):
        php = next(r for r in self.ask_json("messages") if r["via"] == "phplog")
        for name in ("queue_id", "message_id"):
            trace = self.ask_json("trace", php[name])
            self.assertEqual(list(trace), ["message", "events", "evidence", "related"])
            self.assertEqual(trace["message"], php)
        self.assertEqual(trace, self.ask_json("trace", "<%s>" % php["message_id"]))
        events = trace["events"]
        self.assertEqual(list(events[0]), ["time", "event", "queue_id", "text"])
        self.assertEqual([e["time"] for e in events], sorted(e["time"] for e in events))
        kinds = [e["event"] for e in events]
        self.assertEqual(kinds.count("delivery"), len(php["recipients"]))
        self.assertLess({"php", "accepted", "delivery", "end"} - set(kinds), {"x"})
        used = [e for e in trace["evidence"] if e["used"]]
        self.assertEqual([e["via"] for e in used], ["phplog"])
        self.assertIn(php["php"]["script"], used[0]["text"])
        self.assertIn("because", self.ask("trace", php["queue_id"]))
        self.ask("trace", "NOSUCHID", code=1)

    def test_trace_bounce(self):
        child = next(r for r in self.ask_json("messages") if r["parent"])
        trace = self.ask_json("trace", child["parent"])
        self.assertIn(("child", child["queue_id"]),
                      [(r["role"], r["queue_id"]) for r in trace["related"]])
        self.assertIn(("child", child["queue_id"]),
                      [(e["event"], e["queue_id"]) for e in trace["events"]])
        trace = self.ask_json("trace", child["queue_id"])
        self.assertIn(("parent", child["parent"]),
                      [(r["role"], r["queue_id"]) for r in trace["related"]])

    def test_php(self):
        rows = self.ask_json("php")
        self.assertEqual(len(rows), self.told["php_mail"])
        for row in rows:
            self.assertEqual(list(row), PHP_KEYS)
            self.assertIn(row["state"], ("waiting", "matched", "unmatched"))
            self.assertEqual(row["trust"], "tenant")
        unmatched = [r for r in rows if r["state"] == "unmatched"]
        got = self.ask_json("php", "--unmatched", code=0 if unmatched else 1)
        self.assertEqual(got, unmatched)

    def test_status(self):
        status = self.ask_json("status")
        self.assertEqual(list(status), STATUS_KEYS)
        self.assertEqual(status["messages"], self.told["messages"])
        self.assertEqual(status["lines"], self.told["lines"])
        self.assertEqual(status["lines"], status["parsed"] + status["noise"] + status["unknown"])
        self.assertEqual(len(status["sources"]), len(DEMO_LOGS))
        for source in status["sources"]:
            self.assertEqual(list(source), SOURCE_KEYS)
            self.assertEqual(source["offset"], os.path.getsize(source["path"]))
        self.assertIn("Sources", self.ask("status"))

    def test_unknown_lines_by_shape(self):
        status = self.ask_json("status")
        rows = self.ask_json("status", "--unknown")
        self.assertEqual(sum(r["lines"] for r in rows), status["unknown"])
        self.assertEqual(sum(r["lines"] for r in status["unknown_lines"]), status["unknown"])
        for row in rows:
            self.assertEqual(list(row), ["lines", "last", "program", "shape", "sample", "source"])
        self.assertEqual(rows, sorted(rows, key=lambda r: -r["lines"]))

    def test_config(self):
        code, sample, _ = run("config", "defaults")
        self.assertEqual(code, 0)
        path = os.path.join(self.folder, "sample.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(sample)
        self.assertEqual(run("config", "check", path)[0], 0)
        with open(path, "a", encoding="utf-8") as f:
            f.write("no_such_key: 1\n")
        code, _, err = run("config", "check", path)
        self.assertEqual(code, 78)
        self.assertIn("no_such_key", err)
        self.assertEqual(run("--config", path, "messages")[0], 78)
        self.assertEqual(run("config", "check", path + ".none")[0], 66)
        code, out, _ = run("--config", os.path.join(DEMO, "mailaudit.yaml"), "--format=json",
                           "config", "show")
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["hostname"], "host.example")

    def test_config_check_reads_templates(self):
        """A template that is wrong would hold up all mails."""
        template = os.path.join(self.folder, "en", "owner.txt")
        os.makedirs(os.path.dirname(template), exist_ok=True)
        path = os.path.join(self.folder, "templates.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("alerts: {templates: .}\n")
        for text, code in (("Hello {{account}}\n", 0), ("Hello\n{{#why}} no end\n", 78)):
            with open(template, "w", encoding="utf-8") as f:
                f.write(text)
            got, _, err = run("config", "check", path)
            self.assertEqual(got, code, err)
        self.assertIn("owner.txt:2", err)


class Findings(Contract):
    def setUp(self):
        self.rows = self.ask_json("findings")

    def test_keys(self):
        self.assertEqual(len(self.rows), self.told["findings"])
        self.assertTrue(self.rows)
        for row in self.rows:
            self.assertEqual(list(row), FINDING_KEYS)
            self.assertEqual(list(row["score"]), SCORE_KEYS)
            self.assertIn(row["severity"], ("warning", "critical"))
            self.assertIn(row["case"], ("2", "3a", "3b", "3c", "3d", "4", "5", "unknown"))
            for key in ("time", "first_seen", "last_seen"):
                self.assert_stamp(row[key])
            for key in ("id", "messages", "recipients", "leaked_before", "novel", "results"):
                self.assertIsInstance(row[key], int)
            for key in FINDING_LISTS:
                self.assertTrue(all(isinstance(line, str) for line in row[key]), key)
            self.assertTrue(row["summary"] and row["evidence"])
            self.assertGreater(sum(row["score"].values()), 0)
        times = [row["time"] for row in self.rows]
        self.assertEqual(times, sorted(times, reverse=True), "newest first")

    def test_formats_agree(self):
        lines = self.ask("--format", "jsonl", "findings").splitlines()
        self.assertEqual([json.loads(line) for line in lines], self.rows)
        flat = list(csv.DictReader(io.StringIO(self.ask("--format=csv", "findings"), newline="")))
        self.assertEqual(list(flat[0]), FINDING_KEYS)
        self.assertEqual([json.loads(f["score"]) for f in flat], [r["score"] for r in self.rows])
        self.assertEqual([json.loads(f["evidence"]) for f in flat],
                         [r["evidence"] for r in self.rows])

    def test_filters(self):
        def ids(*args):
            got, out, err = run("--db", self.db, "--format", "json", "findings", *args)
            found = [r["id"] for r in json.loads(out)]
            self.assertEqual((got, err), (0 if found else 1, ""))
            return found

        def where(test):
            return [r["id"] for r in self.rows if test(r)]

        some = self.rows[0]
        script = next(r for r in self.rows if r["case"].startswith("3"))
        for args, test in (
                (("--account", some["account"]), lambda r: r["account"] == some["account"]),
                (("--account=",), lambda r: r["account"] is None),
                (("--case", script["case"]), lambda r: r["case"] == script["case"]),
                (("--case", "3"), lambda r: r["case"].startswith("3")),
                (("--case", "5"), lambda r: r["case"] == "5"),
                (("--severity", "critical"), lambda r: r["severity"] == "critical"),
                (("--severity", "warning"), lambda r: r["severity"] == "warning"),
                (("--since", some["time"]), lambda r: r["time"] >= some["time"]),
                (("--until", some["time"]), lambda r: r["time"] < some["time"]),
                (("--open",), lambda r: r["closed"] is None),
                (("--open", "--account", some["account"]),
                 lambda r: r["closed"] is None and r["account"] == some["account"])):
            self.assertEqual(ids(*args), where(test), args)
        self.assertEqual(ids("--limit", "1"), [some["id"]])
        self.assertEqual(ids("--account", "nobody-here"), [])

    def test_one(self):
        for row in self.rows:
            self.assertEqual(self.ask_json("findings", str(row["id"])), row)
        page = self.ask("findings", str(self.rows[-1]["id"]))
        for text in ("Evidence", "What to do", "Why this case", self.rows[-1]["summary"],
                     self.rows[-1]["advice"][0], self.rows[-1]["queue_ids"][0]):
            self.assertIn(text, page)
        self.ask("findings", "999999", code=1)
        self.ask("findings", "first", code=64)
        self.ask("findings", "--case", "6", code=64)

    def test_table(self):
        text = self.ask("findings")
        for row in self.rows:
            self.assertIn(row["summary"], text)

    def test_elsewhere(self):
        opened = [r for r in self.rows if r["closed"] is None]
        self.assertEqual(self.ask_json("status")["open_findings"], len(opened))
        for account in {r["account"] for r in opened if r["account"]}:
            self.assertEqual(self.ask_json("account", account)["findings"],
                             [r for r in opened if r["account"] == account])
            self.assertIn("Open findings", self.ask("account", account))

    def test_explain(self):
        rows = self.ask_json("explain")
        names = [r["name"] for r in rows]
        for name in ("volume", "origin", "delivery", "injection", "script", "identity", "verdict"):
            self.assertIn(name, names)
        for row in rows:
            self.assertEqual(list(row), HEURISTIC_KEYS)
            self.assertEqual(self.ask_json("explain", row["name"]), row)
            self.assertIn("About", self.ask("explain", row["name"]))
            for setting in row["settings"]:
                self.assertEqual(list(setting), ["key", "default", "value", "help"])
                self.assertEqual(setting["default"], setting["value"])
        self.ask("explain", "astrology", code=64)

    def test_lines_break_between_words(self):
        words = {w for r in self.ask_json("explain") for w in r["about"].split()}
        text = run_on_terminal(80, "--color=never", "explain", "volume")
        about = text[text.index("About\n") + 6:text.index("\nSettings")]
        self.assertGreater(about.count("\n"), 5)
        self.assertLessEqual(set(about.split()), words)

    def test_explain_tells_the_value_in_use(self):
        path = os.path.join(self.folder, "volume.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("heuristics: {volume: {factor: 7.5}}\n")
        code, out, _ = run("--config", path, "--format=json", "explain", "volume")
        self.assertEqual(code, 0)
        factor = next(s for s in json.loads(out)["settings"] if s["key"] == "factor")
        self.assertEqual(factor["value"], 7.5)
        self.assertNotEqual(factor["default"], 7.5)


class Replay(Contract):
    """The detector on what is stored; nothing is."""

    SETTINGS = os.path.join(DEMO, "mailaudit.yaml")

    def replay(self, *args, settings=SETTINGS, code=0):
        return self.ask_json("replay", "--settings", settings, *args, code=code)

    def write(self, text):
        path = os.path.join(self.folder, "other.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def test_the_same_settings_find_the_same(self):
        before = self.ask_json("findings")
        rows = self.replay()
        self.assertEqual(list(rows[0]), FINDING_KEYS)
        for key in ("id", "severity", "case", "account", "login", "script", "messages",
                    "recipients", "summary"):
            self.assertEqual([r[key] for r in rows], [r[key] for r in before], key)
        self.assertEqual([r["time"][:19] for r in rows], [r["time"][:19] for r in before])
        self.assertEqual(self.ask_json("findings"), before)
        self.assertEqual(json.loads(run("--config", self.SETTINGS, "--db", self.db, "--format=json",
                                        "replay")[1]), rows)

    def test_other_settings(self):
        with open(self.SETTINGS, encoding="utf-8") as f:
            demo = f.read()
        some = self.ask_json("findings")[0]
        muted = self.write(demo + "allow: [{account: %s, muted_until: 2027-01-01}]\n"
                           % some["account"])
        self.assertNotIn(some["account"], [r["account"] for r in self.replay(settings=muted)])

    def test_period(self):
        rows = self.replay()
        some = rows[0]
        self.assertEqual([r["time"] for r in self.replay("--since", some["time"])],
                         [r["time"] for r in rows if r["time"] >= some["time"]])
        self.assertEqual(self.replay("--since", some["time"])[-1]["id"], 1)
        self.assertEqual(self.replay("--until", "1990-01-01", code=1), [])

    def test_errors(self):
        self.ask("replay", "--settings", "/nonexistent.yaml", code=66)
        self.ask("replay", "--settings", self.write("volume: loud\n"), code=78)
        self.ask("replay", "--settings", self.write("heuristics: {tarot: {}}\n"), code=78)
        self.ask("replay", "now", code=64)


class Import(Contract):
    def fresh(self, name):
        return os.path.join(self.folder, name)

    def messages(self, db):
        return json.loads(run("--db", db, "--format", "json", "messages")[1])

    def test_keys_and_again(self):
        self.assertEqual(list(self.told), IMPORT_KEYS)
        self.assertEqual(self.told["lines"], self.told["parsed"] + self.told["unknown"])
        before = self.messages(self.db)
        again = import_logs(self.db, DEMO, *DEMO_LOGS)
        self.assertEqual({k: v for k, v in again.items() if k not in ("seconds", "files")},
                         {k: 0 for k in IMPORT_KEYS if k not in ("seconds", "files")})
        self.assertEqual(self.messages(self.db), before)

    def test_ways(self):
        """Plain, packed, from a pipe, in two parts, twice at once: the same."""
        log = os.path.join(DEMO, "logs", "mail.log")
        with open(log, "rb") as f:
            text = f.read()
        packed, part = self.fresh("m.gz"), self.fresh("part.log")
        with gzip.open(packed, "wb") as f:
            f.write(text)
        with open(part, "wb") as f:
            f.write(text[:text.index(b"\n", 20000) + 1])
        results = []
        for i, step in enumerate((
                [(log,)], [(packed,)], [("-",)], [(part,), (log,)], [(part, log)],
                [(log, packed, log)], [(packed,), (log,), (part,)])):
            db = self.fresh("ways%d.db" % i)
            lines = 0
            for files in step:
                code, out, err = run(
                    "--config", os.path.join(DEMO, "mailaudit.yaml"), "--db", db,
                    "--format=json", "import", "--tz", "UTC", "--year", "2026", *files, stdin=text)
                self.assertEqual(code, 0, err)
                lines += json.loads(out)["lines"]
            self.assertEqual(lines, text.count(b"\n"), step)
            results.append(self.messages(db))
        self.assertTrue(results[0])
        for other in results[1:]:
            self.assertEqual(other, results[0])

    def test_finding_that_is_over(self):
        """Raised and closed within one commit it is told as one that was stored open."""
        log = self.fresh("over.log")
        with open(os.path.join(DEMO, "logs", "mail.log"), "rb") as f:
            text = f.read()
        with open(log, "wb") as f:
            f.write(text + b"Nov 29 12:00:00 host postfix/qmgr[1]: 4jY7c21rRNz4G: removed\n")
        db = self.fresh("over.db")
        code, _, err = run("--config", os.path.join(DEMO, "mailaudit.yaml"), "--db", db, "import",
                           "--year", "2026", "--tz", "UTC", log)
        self.assertEqual(code, 0, err)
        rows = json.loads(run("--db", db, "--format=json", "findings")[1])
        self.assertTrue(rows)
        for row in rows:
            self.assertTrue(row["closed"] and row["summary"] and row["evidence"], row)
            self.assertGreater(row["messages"], 1)

    def test_year_and_host(self):
        line = ("Mar  1 10:00:00 mx postfix/pickup[1]: 4A1B2C3D4E: uid=0 from=<root>\n"
                "Mar  1 10:00:00 mx postfix/qmgr[2]: 4A1B2C3D4E: from=<root@mx.example>, "
                "size=300, nrcpt=1 (queue active)\n"
                "Mar  1 10:00:01 mx postfix/smtp[3]: 4A1B2C3D4E: to=<a@dest.example>, "
                "relay=m.dest.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, "
                "status=sent (250 ok)\n").encode()
        db = self.fresh("year.db")
        code, _, err = run("--db", db, "import", "--year", "2019", "--tz", "+0200", "--as",
                           "postfix", "-", stdin=line)
        self.assertEqual(code, 0, err)
        self.assertEqual([m["time"] for m in self.messages(db)], ["2019-03-01T08:00:00Z"])

    def test_year_of_a_pipe(self):
        """Without --year and without a file's time: near now."""
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = now.strftime("%b %d %H:%M:%S ")
        line = (stamp + "mx postfix/pickup[1]: 4A1B2C3D4E: uid=0 from=<root>\n" +
                stamp + "mx postfix/qmgr[2]: 4A1B2C3D4E: from=<root@mx.example>, "
                "size=300, nrcpt=1 (queue active)\n")
        db = self.fresh("pipe.db")
        self.assertEqual(run("--db", db, "import", "--tz", "UTC", "-", stdin=line.encode())[0], 0)
        self.assertEqual([m["time"] for m in self.messages(db)],
                         [now.strftime("%Y-%m-%dT%H:%M:%SZ")])

    def test_bar_on_a_terminal(self):
        """A pipe that stays open: the bar shows lines, and is gone at the end."""
        reader, writer = os.pipe()
        with open(os.path.join(DEMO, "logs", "mail.log"), "rb") as f:
            lines = f.read().splitlines(True)
        feeder = threading.Thread(target=feed_slowly, args=(writer, lines[:60]))
        feeder.start()
        text = run_on_terminal(100, "--db", self.fresh("tty.db"), "import", "-", stdin=reader)
        feeder.join()
        os.close(reader)
        self.assertRegex(text, r"\d+ lines, \d+/s\r +\r60 lines read")

    def test_errors(self):
        db = self.fresh("errors.db")
        log = os.path.join(DEMO, "logs", "mail.log")
        self.assertEqual(run("--db", db, "import", log, "/nonexistent.log")[0], 66)
        self.assertFalse(os.path.exists(db), "nothing was begun")
        self.assertEqual(run("--db", db, "import")[0], 64)
        self.assertEqual(run("--db", db, "import", "--as", "x400", log)[0], 64)
        self.assertEqual(run("--db", db, "import", "--tz", "Mars/Olympus", log)[0], 64)
        self.assertEqual(run("--db", db, "import", "--year", "12", log)[0], 64)
        self.assertEqual(run("--db", db, "import", self.folder)[0], 66)

    def test_no_bar_in_pipes(self):
        self.assertEqual(run("--db", self.fresh("bar.db"), "import",
                             os.path.join(DEMO, "logs", "mail.log"))[2], "")


class CommandLine(Contract):
    def test_exit_codes(self):
        for code, args in (
                (64, ()), (64, ("mesages",)), (64, ("messages", "--acount", "x")),
                (64, ("messages", "x")), (64, ("messages", "--limit", "many")),
                (64, ("messages", "--limit", "-1")), (64, ("messages", "--since", "later")),
                (64, ("messages", "--status", "lost")), (64, ("--format", "xml", "messages")),
                (64, ("messages", "--account")), (64, ("account",)), (64, ("top",)),
                (64, ("top", "dogs")), (64, ("findings", "1", "2")), (64, ("findings", "one")),
                (64, ("findings", "--severity", "dire")), (64, ("explain", "tarot")), (64, ("config",)), (64, ("help", "hlep")),
                (66, ("--db", "/nonexistent/x.db", "messages")),
                (66, ("--config", "/nonexistent/x.yaml", "messages"))):
            got, out, err = run(*args)
            self.assertEqual(got, code, args)
            self.assertEqual(out, "")
            self.assertEqual(err.count("\n"), 1, args)
            self.assertTrue(err.startswith("mailaudit: "))

    def test_hints(self):
        self.assertIn("did you mean 'messages'", run("mesages")[2])
        self.assertIn("did you mean '--account'", run("messages", "--acount=x")[2])
        self.assertIn("mailaudit import", run("--db", "/nonexistent/x.db", "status")[2])
        self.assertNotIn("did you mean", run("zzzzzz")[2])

    def test_not_a_database(self):
        path = os.path.join(self.folder, "text.db")
        with open(path, "w", encoding="utf-8") as f:
            f.write("this is no database\n" * 100)
        code, _, err = run("--db", path, "messages")
        self.assertEqual(code, 78)
        self.assertIn("text.db", err)

    @unittest.skipUnless(os.geteuid() == 0, "needs another user")
    def test_no_permission(self):
        path = os.path.join(self.folder, "secret")
        os.mkdir(path, 0o700)
        shutil.copy(self.db, path)
        os.chmod(self.folder, 0o755)
        program = shutil.copy(PROGRAM, self.folder)
        done = subprocess.run([program, "--db", os.path.join(path, "demo.db"), "messages"],
                              stderr=subprocess.PIPE, stdout=subprocess.PIPE, check=False,
                              preexec_fn=lambda: (os.setgid(65534), os.setuid(65534)))
        self.assertEqual(done.returncode, 77, done.stderr)

    def test_option_places(self):
        want = self.ask_json("messages", "--account", "alice", "--limit", "2")
        for args in (("--db", self.db, "--account", "alice", "messages", "--limit", "2",
                      "--format", "json"),
                     ("messages", "--limit=2", "--format=json", "--account=alice",
                      "--db=" + self.db)):
            self.assertEqual(json.loads(run(*args)[1]), want)

    def test_help_and_version(self):
        code, text, _ = run("help")
        self.assertEqual(code, 0)
        self.assertEqual(text, run("--help")[1])
        names = re.findall(r"^  ([a-z]+) +\S", text.split("\n\n")[1], re.M)
        self.assertIn("messages", names)
        for name in names:
            code, text, _ = run("help", name)
            self.assertEqual((code, text.split("\n")[0][:17 + len(name)]),
                             (0, "Usage: mailaudit " + name))
            self.assertEqual(text, run(name, "--help")[1])
            self.assertLessEqual(max(map(len, text.split("\n"))), 100)
        code, text, _ = run("--version")
        self.assertEqual(code, 0)
        self.assertRegex(text, r"^mailaudit \S+\nfeatures: ")

    def test_color(self):
        table = ("--db", self.db, "messages")
        self.assertNotIn("\x1b", run(*table)[1])
        self.assertIn("\x1b[", run(*table, "--color=always")[1])
        self.assertIn("\x1b[", run_on_terminal(120, *table))
        self.assertNotIn("\x1b", run_on_terminal(120, *table, env={"NO_COLOR": "1"}))
        self.assertNotIn("\x1b", run_on_terminal(120, *table, "--color=never"))
        self.assertNotIn("\x1b", run_on_terminal(120, *table, env={"TERM": "dumb"}))

    def test_width(self):
        for command in (("messages",), ("php",), ("top", "scripts"), ("account", "alice"),
                        ("status",), ("findings",), ("findings", "1"), ("explain",),
                        ("explain", "volume")):
            for columns in (90, 132, 200):
                text = run_on_terminal(columns, "--db", self.db, "--color=never", *command)
                self.assertGreater(text.count("\n"), 1, command)
                widest = max(len(line) for line in text.split("\n"))
                self.assertLessEqual(widest, columns, command)

    def test_reader_goes_away(self):
        for form in ("table", "json", "jsonl", "csv"):
            child = subprocess.Popen(
                [PROGRAM, "--db", self.db, "--format", form, "messages"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            child.stdout.close()
            err = child.stderr.read()
            child.stderr.close()
            self.assertEqual((child.wait(), err), (0, b""))

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "--db", self.db, "messages"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 70)
        self.assertIn(b"No space left", done.stderr)


class HostileFindings(Contract):
    """What a finding quotes of a log attacks whoever looks at it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mailaudit-cli-")
        cls.db = os.path.join(cls.folder, "hostile.db")
        cls.told = import_logs(cls.db, DEMO, *DEMO_LOGS)
        bad = b"=\x1b]0;pwned\x07\x1b[31m \xff \xe2\x80\xae \xc2\x9b2J \x7f \x00 end"
        with sqlite3.connect(cls.db) as db:
            text = "CAST(? AS TEXT)"
            db.execute("UPDATE finding SET (%s) = (%s)" % (
                ", ".join(["summary"] + FINDING_LISTS), ", ".join([text] * 8)), [bad] * 8)
            db.execute("UPDATE account SET text = %s || id" % text, [bad])
        db.close()

    def test_formats(self):
        for command in (("findings",), ("findings", "1"), ("findings", "2")):
            for form in ("table", "json", "jsonl", "csv"):
                text = self.ask("--format", form, *command).replace("\r\n", "\n")
                self.assertIsNone(CONTROLS.search(text), (form, command))
                self.assertIn("pwned", text)
                if form == "csv":
                    for row in csv.reader(io.StringIO(text)):
                        for field in row:
                            self.assertNotRegex(field, r"^[=+@-](?!\d+$)")
        row = self.ask_json("findings")[0]
        self.assertIn("\x1b]0;pwned\x07", row["summary"])
        self.assertIn("\\xff", row["why"][0])


class Hostile(Contract):
    """Subjects, senders and PHP headers that attack whoever looks at them."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mailaudit-cli-")
        cls.db = os.path.join(cls.folder, "hostile.db")
        bad = b"\x1b]0;pwned\x07\x1b[31m \xff\xfe \xe2\x80\xae \xc2\x9b2J \x7f \x00 end"
        lines = [b'2026-11-23 06:52:53 [7] 1xVNvA-00035L-2B <= "=1+1"@spike.example '
                 b'H=(x) [192.0.2.9] P=esmtpsa A=login:=cmd|x S=426 T="' + bad + b'"',
                 b"2026-11-23 06:52:54 [7] 1xVNvA-00035L-2B ** =HYPERLINK@dest.example "
                 b"R=r T=remote: " + bad,
                 b"2026-11-23 06:52:54 [7] 1xVNvA-00035L-2B Completed"]
        code, _, err = run("--db", cls.db, "import", "--as", "exim", "--tz", "UTC", "-",
                           stdin=b"\n".join(lines) + b"\n")
        if code:
            raise AssertionError(err)
        cls.told = None

    def test_json(self):
        for form in ("json", "jsonl"):
            text = self.ask("--format", form, "messages")
            self.assertIsNone(CONTROLS.search(text))
            rows = json.loads(text if form == "json" else text.splitlines()[0])
            row = rows[0] if form == "json" else rows
            self.assertIn("\x1b]0;pwned\x07", row["subject"])
            self.assertIn("\\xff\\xfe", row["subject"])
            self.assertIn("\u202e", row["subject"])

    def test_table_and_csv(self):
        for command in (("messages",), ("top", "senders"), ("trace", "1xVNvA-00035L-2B"),
                        ("status",)):
            self.assertIsNone(CONTROLS.search(self.ask(*command)), command)
            text = self.ask("--format=csv", *command).replace("\r\n", "\n")
            self.assertIsNone(CONTROLS.search(text), command)
            for row in csv.reader(io.StringIO(text)):
                for field in row:
                    self.assertNotRegex(field, r"^[=+@-](?!\d+$)")


def main():
    global PROGRAM
    if len(sys.argv) != 2:
        sys.exit("usage: cli_contract.py BUILD_DIR")
    PROGRAM = os.path.join(os.path.abspath(sys.argv[1]), "mailaudit")
    if not os.path.exists(os.path.join(DEMO, "logs", "mail.log")):
        print("no tests/replay/demo")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()

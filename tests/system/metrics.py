#!/usr/bin/env python3
"""metrics.py BUILD_DIR: `mailaudit metrics`, read by the parser of Prometheus' Python client.

Numbers are held against `mailaudit status`, names against the man page, the alert rules and
the dashboard against the names."""

import collections
import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.access("/usr/bin/python3", os.X_OK):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # whose packages are Debian's
    print("skip: no prometheus_client (python3-prometheus-client)")
    sys.exit(77)

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
DEMO = os.path.join(TOP, "tests", "replay", "demo")
EXAMPLES = os.path.join(TOP, "etc", "prometheus")
BUILD = ""


def run(*args):
    done = subprocess.run([os.path.join(BUILD, "mailaudit"), *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def must(*args):
    code, out, err = run(*args)
    if code or err:
        raise AssertionError("mailaudit %s: %d %s" % (" ".join(args), code, err))
    return out


class Numbers:
    """What was printed: one value for a name and its labels."""

    def __init__(self, text):
        self.types, self.values = {}, {}
        for family in text_string_to_metric_families(text):
            if family.name in self.types or not family.documentation:
                raise AssertionError("%s: twice, or without help" % family.name)
            self.types[family.name] = family.type
            for s in family.samples:
                key = (s.name, tuple(sorted(s.labels.items())))
                if key in self.values:
                    raise AssertionError("%s: twice" % (key,))
                self.values[key] = s.value

    def of(self, name, **labels):
        return self.values[("mailaudit_" + name, tuple(sorted(labels.items())))]

    def names(self):
        return {name for name, _ in self.values}

    def labels(self, name, label):
        return [dict(labels)[label] for n, labels in self.values if n == "mailaudit_" + name]


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mailaudit-metrics-")
        cls.demo = os.path.join(cls.folder, "demo.db")
        logs = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(DEMO, "logs")) for f in files]
        run("--config", os.path.join(DEMO, "mailaudit.yaml"), "--db", cls.demo, "import", "--year",
            "2026", *logs)
        cls.db = os.path.join(cls.folder, "db")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.db + suffix):
                os.unlink(self.db + suffix)
        source = sqlite3.connect(self.demo)
        with sqlite3.connect(self.db) as copy:
            source.backup(copy)
        source.close()

    def change(self, *statements):
        with sqlite3.connect(self.db) as db:
            for text in statements:
                db.execute(*text) if isinstance(text, tuple) else db.execute(text)

    def ask(self):
        return Numbers(must("--db", self.db, "metrics"))


class Metrics(Case):
    def test_as_status_says(self):
        numbers = self.ask()
        status = json.loads(must("--db", self.db, "--format", "json", "status"))
        for name, key in (("messages", "messages"), ("messages_open", "open"), ("database_bytes", "bytes"),
                          ("recipients", "recipients"), ("php_calls", "php_mail"), ("streams", "streams")):
            self.assertEqual(numbers.of(name), status[key], name)
        for result in ("parsed", "noise", "unknown"):
            self.assertEqual(numbers.of("lines_total", result=result), status[result])
            for source in status["sources"]:
                self.assertEqual(numbers.of("source_lines_total", source=source["path"], result=result),
                                 source[result])
        self.assertEqual(len(status["sources"]), 4)
        self.assertEqual(sorted(numbers.labels("source_last_line_timestamp_seconds", "source")),
                         [s["path"] for s in status["sources"]])
        self.assertEqual(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(numbers.of("watermark_timestamp_seconds"))),
                         status["watermark"])
        findings = json.loads(must("--db", self.db, "--format", "json", "findings", "--open"))
        counted = collections.Counter((f["case"], f["severity"]) for f in findings)
        self.assertTrue(findings)
        for case in ("unknown", "2", "3a", "3b", "3c", "3d", "4", "5"):
            for severity in ("warning", "critical"):
                self.assertEqual(numbers.of("findings_open", case=case, severity=severity),
                                 counted[(case, severity)])
        self.assertEqual(numbers.of("findings_raised_total"), len(findings))

    def test_names(self):
        numbers = self.ask()
        for name, kind in numbers.types.items():
            self.assertRegex(name, r"^mailaudit_[a-z_]+$")
            self.assertIn(kind, ("counter", "gauge"))
        counters = {name for name in numbers.names() if name.endswith("_total")}
        self.assertEqual(counters, {n + "_total" for n, kind in numbers.types.items() if kind == "counter"})
        with open(os.path.join(TOP, "docs", "man", "mailaudit.1"), encoding="utf-8") as f:
            told = set(re.findall(r"\bmailaudit_[a-z_]+", f.read()))
        self.assertEqual(set(numbers.types) | {"mailaudit_source_lag_bytes", "mailaudit_source_lag_entries"} | counters,
                         told | {n[:-len("_total")] for n in counters})

    def test_counters_only_grow(self):
        before = self.ask()
        self.change("DELETE FROM finding", "DELETE FROM message_row", "DELETE FROM recipient_row",
                    "UPDATE meta SET value = 0 WHERE name IN ('messages', 'recipients', 'php')")
        after = self.ask()
        self.assertEqual(after.of("messages"), 0)
        self.assertEqual(after.of("findings_open", case="3a", severity="critical"), 0)
        self.assertEqual({k: v for k, v in before.values.items() if k[0].endswith("_total")},
                         {k: v for k, v in after.values.items() if k[0].endswith("_total")})

    def test_alerts_and_what_comes_of_them(self):
        now = int(time.time() * 1e6)
        alert = ("INSERT INTO alert (subject, version, state, severity, verdict, cases, summary, messages,"
                 " recipients, told_recipients, opened, changed, first_seen, last_seen, closed)"
                 " VALUES (?, 1, ?, ?, 6, 64, 'x', 1, 1, 1, 1, 1, 1, 1, ?)")
        outbox = ("INSERT INTO outbox (alert, version, change, channel, state, created, due, tries)"
                  " VALUES (1, 1, 1, ?, ?, ?, 1, 0)")
        action = "INSERT INTO action (alert, name, target, state, created) VALUES (1, 'x', 'y', ?, 1)"
        mute = "INSERT INTO mute VALUES ('login', ?, ?, 'b', 'y', 1)"
        self.change((alert, ("login\na", 0, 1, None)), (alert, ("login\nb", 0, 1, None)),
                    (alert, ("login\nc", 1, 0, None)), (alert, ("login\nd", 2, 1, 5)),
                    (outbox, ("mail", 0, now - 500_000_000)), (outbox, ("mail", 0, now - 90_000_000)),
                    (outbox, ("webhook", 1, 1)), (outbox, ("owner", 4, 1)), (outbox, ("mail", 2, 1)),
                    (outbox, ("gone\"\nx", 3, 1)), (outbox, ("mail", 99, 1)),
                    (action, (1,)), (action, (1,)), (action, (2,)), (action, (77,)),
                    (mute, ("a", now + 10**9)), (mute, ("b", now - 1)))
        numbers = self.ask()
        states = ("open", "quiet", "closed")
        self.assertEqual([numbers.of("alerts", state=s, severity="critical") for s in states], [2, 0, 1])
        self.assertEqual([numbers.of("alerts", state=s, severity="warning") for s in states], [0, 1, 0])
        self.assertEqual(numbers.of("outbox", channel="mail", state="waiting"), 2)
        self.assertEqual(numbers.of("outbox", channel="mail", state="held"), 1)
        self.assertEqual(numbers.of("outbox", channel="webhook", state="sent"), 1)
        self.assertEqual(numbers.of("outbox", channel="owner", state="dropped"), 1)
        self.assertEqual(numbers.of("outbox", channel="journal", state="waiting"), 0)
        self.assertEqual(set(numbers.labels("outbox", "channel")), {"journal", "mail", "owner", "webhook", "command"})
        self.assertGreaterEqual(numbers.of("outbox_oldest_waiting_seconds"), 500)
        self.assertEqual(numbers.of("actions", state="done"), 2)
        self.assertEqual(numbers.of("actions", state="failed"), 1)
        self.assertEqual(numbers.of("mutes"), 1)

    def test_the_last_hour_and_day(self):
        """The demo's mail, as if it had come until just now."""
        then = self.ask().of("watermark_timestamp_seconds")
        minutes = int((time.time() - then) // 60) - 5
        sums = ", ".join("sum(coalesce(%s, 0))" % c for c in "pending deferred bounced expired rejected".split())
        self.change("UPDATE message_row SET time = time + %d" % (minutes * 60 * 10**6),
                    "UPDATE minute SET minute = minute + %d" % minutes,
                    "DELETE FROM hourly",
                    "INSERT INTO hourly SELECT time / 86400000000, coalesce(account, 0), time / 3600000000,"
                    " count(*), sum(recipients), %s FROM message GROUP BY 1, 2, 3" % sums,
                    "UPDATE finding SET time = %d WHERE verdict <> 0" % ((time.time() - 60) * 10**6))
        numbers = self.ask()
        status = json.loads(must("--db", self.db, "--format", "json", "status"))
        self.assertEqual(numbers.of("messages_last_hour"), numbers.of("messages"))
        self.assertEqual(numbers.of("messages_last_hour"), status["rates"]["messages_last_hour"])
        outcomes = {o: numbers.of("recipients_last_hour", outcome=o)
                    for o in ("pending", "sent", "deferred", "bounced", "expired", "rejected")}
        self.assertEqual(sum(outcomes.values()), status["rates"]["recipients_last_hour"])
        self.assertGreater(outcomes["bounced"], 0)
        self.assertEqual(numbers.of("findings_last_day", case="3a", severity="critical"), 1)
        self.assertEqual(numbers.of("findings_last_day", case="unknown", severity="warning"), 0)

    def test_hostile_paths(self):
        paths = ['/log/a"b', "/log/a\\", "/log/a\nmailaudit_fake 1", "/log/\x1b[31m", "/log/} 5 #", "/log/\u00e9"]
        for path in paths:
            self.change(("INSERT INTO source VALUES (?, 5, 3, 1, 1, 0, 7)", (path,)))
        self.change(("INSERT INTO source VALUES (CAST(? AS TEXT), 5, 3, 1, 1, 0, 7)", (b"/log/\xff\xfe",)))
        text = must("--db", self.db, "metrics")
        self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f]")
        numbers = Numbers(text)
        self.assertNotIn("mailaudit_fake", numbers.names())
        for shown in ('/log/a"b', "/log/a\\", "/log/a\\x0amailaudit_fake 1", "/log/\\x1b[31m", "/log/} 5 #",
                      "/log/\u00e9", "/log/\\xff\\xfe"):
            self.assertEqual(numbers.of("source_lines_total", source=shown, result="parsed"), 3)

    def test_many_logs(self):
        row = "INSERT INTO source VALUES (?, 5, 3, 1, 1, 0, 7)"
        self.change(*((row, ("/home/u%05d/log" % i,)) for i in range(3000)))
        numbers = self.ask()
        self.assertEqual(len(set(numbers.labels("source_lines_total", "source"))), 1000)
        status = json.loads(must("--db", self.db, "--format", "json", "status"))
        self.assertEqual(numbers.of("lines_total", result="parsed"), status["parsed"])


class Output(Case):
    def setUp(self):
        super().setUp()
        self.to = tempfile.mkdtemp(dir=self.folder)
        self.file = os.path.join(self.to, "mailaudit.prom")

    def test_file(self):
        self.assertEqual(must("--db", self.db, "metrics", "--output", self.file), "")
        with open(self.file, encoding="utf-8") as f:
            self.assertEqual(set(Numbers(f.read()).names()), self.ask().names())
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o644)
        self.assertEqual(os.listdir(self.to), ["mailaudit.prom"])

    def test_never_half(self):
        must("--db", self.db, "metrics", "--output", self.file)
        with open(self.file, encoding="utf-8") as f:
            lines = f.read().count("\n")
        counts, names, over = set(), set(), threading.Event()

        def read():
            while not over.is_set():
                with open(self.file, encoding="utf-8") as f:
                    counts.add(f.read().count("\n"))
                names.update(n for n in os.listdir(self.to) if n.endswith(".prom"))

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(30):
            must("--db", self.db, "metrics", "--output", self.file)
        over.set()
        reader.join()
        self.assertEqual((counts, names), ({lines}, {"mailaudit.prom"}))

    def test_errors(self):
        with open(self.file, "w", encoding="utf-8") as f:
            f.write("old\n")
        code, out, err = run("--db", os.path.join(self.folder, "none"), "metrics", "--output", self.file)
        self.assertEqual((code, out), (66, ""))
        self.assertIn("no database", err)
        code, _, err = run("--db", self.db, "metrics", "--output", os.path.join(self.to, "none", "x.prom"))
        self.assertEqual(code, 66)
        self.assertIn("cannot write", err)
        os.mkdir(self.file + ".d")
        self.assertNotEqual(run("--db", self.db, "metrics", "--output", self.file + ".d")[0], 0)
        with open(self.file, encoding="utf-8") as f:
            self.assertEqual(f.read(), "old\n")
        self.assertEqual(sorted(os.listdir(self.to)), ["mailaudit.prom", "mailaudit.prom.d"])
        self.assertEqual(run("--db", self.db, "metrics", "x")[0], 64)
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([os.path.join(BUILD, "mailaudit"), "--db", self.db, "metrics"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"cannot write", done.stderr)


class Following(Case):
    def test_lag(self):
        log = os.path.join(self.folder, "mail.log")
        config = os.path.join(self.folder, "mailaudit.yaml")
        db = os.path.join(self.folder, "live.db")
        line = "Nov 23 07:20:05 host postfix/qmgr[7]: 4jY7XC64lZz1y: removed\n"
        with open(log, "w", encoding="utf-8") as f:
            f.write(line * 10)
        with open(config, "w", encoding="utf-8") as f:
            json.dump({"database": db, "hostname": "host.example", "sources": [{"path": log}]}, f)
        daemon = subprocess.Popen([os.path.join(BUILD, "mailauditd"), "-f", "-c", config], stderr=subprocess.PIPE)
        try:
            deadline = time.time() + 30
            while time.time() < deadline:
                if os.path.exists(db) and "\nmailaudit_source_lag_bytes{" in run("--config", config, "metrics")[1]:
                    numbers = Numbers(must("--config", config, "metrics"))
                    if numbers.of("source_lag_bytes", source=log) == 0:
                        break
                time.sleep(0.1)
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(timeout=30), 0, daemon.stderr.read())
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
            daemon.stderr.close()
        numbers = Numbers(must("--config", config, "metrics"))
        self.assertEqual(numbers.of("source_lag_bytes", source=log), 0)
        self.assertEqual(sum(numbers.of("lines_total", result=r) for r in ("parsed", "noise", "unknown")), 10)
        with open(log, "a", encoding="utf-8") as f:
            f.write(line * 7)
        numbers = Numbers(must("--config", config, "metrics"))
        self.assertEqual(numbers.of("source_lag_bytes", source=log), 7 * len(line))
        os.rename(log, log + ".1")
        self.assertNotIn("mailaudit_source_lag_bytes", Numbers(must("--config", config, "metrics")).names())


class Examples(Case):
    def names_in(self, name):
        with open(os.path.join(EXAMPLES, name), encoding="utf-8") as f:
            return set(re.findall(r"\bmailaudit_\w+(?=[\[{ ])", f.read()))

    def test_names_exist(self):
        there = self.ask().names() | {"mailaudit_source_lag_bytes", "mailaudit_source_lag_entries"}
        for name in os.listdir(EXAMPLES):
            used = self.names_in(name)
            self.assertTrue(used, name)
            self.assertEqual(used - there, set(), name)

    def test_dashboard(self):
        with open(os.path.join(EXAMPLES, "mailaudit-dashboard.json"), encoding="utf-8") as f:
            dashboard = json.load(f)
        cells = set()
        for panel in dashboard["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & mine, "%s lies on another panel" % panel["title"])
            cells |= mine

    def test_rules(self):
        if not shutil.which("promtool"):
            self.skipTest("no promtool")
        rules = os.path.join(EXAMPLES, "mailaudit.rules.yaml")
        subprocess.run(["promtool", "check", "rules", rules], check=True, stdout=subprocess.PIPE)
        with open(os.path.join(TOP, "tests", "system", "metrics_rules.yaml"), encoding="utf-8") as f:
            text = f.read().replace("[RULES]", "[%s]" % rules)
        tests = os.path.join(self.folder, "rules.yaml")
        with open(tests, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run(["promtool", "test", "rules", tests], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        subprocess.run(["promtool", "check", "metrics"], input=must("--db", self.db, "metrics").encode(),
                       check=True)

    def test_units(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze")
        for name in ("mailaudit-metrics.service.in", "mailaudit-metrics.timer"):
            with open(os.path.join(TOP, "systemd", name), encoding="utf-8") as f:
                text = f.read().replace("@bindir@", BUILD)
            self.assertNotRegex(text, "@[a-z]+@")
            with open(os.path.join(self.folder, name.replace(".in", "")), "w", encoding="utf-8") as f:
                f.write(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                               os.path.join(self.folder, "mailaudit-metrics.service"),
                               os.path.join(self.folder, "mailaudit-metrics.timer")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.stdout, b"")


def main():
    global BUILD
    if len(sys.argv) < 2:
        sys.exit(64)
    BUILD = os.path.abspath(sys.argv[1])
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])


if __name__ == "__main__":
    main()

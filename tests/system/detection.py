#!/usr/bin/env python3
"""detection.py BUILD_DIR [MTA...]: break-ins on a live host are found, and nothing else is.

Real Postfix, then real Exim, with nginx and PHP-FPM, carry the ordinary mail of four customers,
which is made to look like that of five days (tests/rig/traffic/spread.py). Then, while mailauditd
follows the logs, a contact form is injected over HTTP, a mailer is uploaded and used, a shell
evaluates code that mails, a botnet uses a stolen password; and a newsletter, orders, cron, honest
visitors and a customer on a journey go on beside them (tests/rig/traffic/detect.py).

`mailaudit findings` must name the four, with what they did, early, and nothing else. `mailaudit
import` of the same logs must find the same; and where mailauditd, too, reads them only afterwards,
so that both see the lines in the same order, the same to the last row.
"""
import collections
import glob
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import attribution  # noqa: E402
import judge  # noqa: E402

RIG_DIR = os.path.dirname(attribution.RIG)

# 127.0.0.0/8 is what clients come from here: only this one address is the host itself.
PHP_WAIT = 10
SETTINGS = """\
networks: [127.0.0.1]
geoip: {country: country.mmdb, asn: asn.mmdb}
join: {php_wait: %ds}
""" % PHP_WAIT

# What must be found. `note` is what the truth has with the messages of it; `leaked` the most
# recipients that may have been reached by then; `said` are patterns, each of which the summary or
# the evidence must have.
Expected = collections.namedtuple("Expected", "case account login script note leaked said")
COUNTRIES = r"\b(VN|BR|IR|EG|ID|UA|NG)\b.*\b(VN|BR|IR|EG|ID|UA|NG)\b"
UPLOADS = r"/home/bob/public_html/wp-content/uploads/\d{4}/\d\d/"
EXPECTED = [
    Expected("3a", "alice", None, r"/home/alice/public_html/inquiry\.php",
             r"inject|probe", 40, [r"Bcc", r"inquiry\.php"]),
    Expected("3b", "bob", None, UPLOADS + r"ltsfcwiab\.php",
             r"mailer", 10, [r"ltsfcwiab\.php", r"uploads"]),
    Expected("3d", "dave", None, r"/home/dave/public_html/old/gallery\.php",
             r"code in the request", 10, [r"gallery\.php", r"eval"]),
    Expected("4", "carol", "info@shop.example", None,
             r"stolen", 12, [r"info@shop\.example", COUNTRIES]),
]


class Findings:
    """Asks `mailaudit findings`, as an administrator would."""

    def __init__(self, build, config, database):
        self.command = [os.path.join(build, "mailaudit"), "--config", config, "--db", database]

    def run(self, *words):
        run = subprocess.run([*self.command, "--format", "json", *words], check=False,
                             capture_output=True, text=True, env=dict(os.environ, TZ="UTC"))
        if run.returncode not in (0, 1):
            raise RuntimeError("%s: exit %d: %s" % (words[0], run.returncode, run.stderr))
        return json.loads(run.stdout) if run.stdout.strip() else []

    def ask(self, *options):
        return self.run("findings", *options)

    def load(self, logs):
        return self.run("import", *logs)


def seconds(stamp):
    """RFC 3339 in UTC, as a number."""
    return time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone


def is_about(finding, wanted):
    script = finding["script"] or None
    return (finding["case"], finding["account"], finding["login"] or None) == wanted[:3] and (
        bool(re.fullmatch(wanted.script, script or "")) if wanted.script else script is None)


def faults(finding, wanted, truth):
    """What is wrong with a finding that names the right one."""
    said = " ".join([finding["summary"], *finding["evidence"]])
    for pattern in wanted.said:
        if not re.search(pattern, said, re.S | re.I):
            yield "does not say %s" % pattern
    if finding["severity"] != "critical":
        yield "severity %s" % finding["severity"]
    if finding["leaked_before"] > wanted.leaked:
        yield "%d recipients before it was found" % finding["leaked_before"]
    times = [t["time"] for t in truth if re.search(wanted.note, t["note"] or "")
             and t["account"] == wanted.account]
    first, raised = seconds(finding["first_seen"]), seconds(finding["time"])
    if not times[0] - 2 <= first <= raised <= times[-1] + 5:
        yield "from %s, found at %s, but it went on from %.0f to %.0f" % (
            finding["first_seen"], finding["time"], times[0], times[-1])


def check(findings, truth):
    """Prints what is wrong; the number of it."""
    bad = []
    for wanted in EXPECTED:
        about = [f for f in findings if is_about(f, wanted)]
        if len(about) != 1:
            bad.append("case %s of %s: found %d times" % (wanted.case, wanted.account, len(about)))
        bad += ["case %s: %s" % (wanted.case, what)
                for f in about for what in faults(f, wanted, truth)]
    bad += ["not asked for: " + json.dumps(f) for f in findings
            if not any(is_about(f, wanted) for wanted in EXPECTED)]
    for what in bad:
        print("  wrong:", what)
    return len(bad)


def write_settings(directory, root, name):
    """Settings with a database of their own: both paths."""
    directory = os.path.join(directory, name)
    os.mkdir(directory)
    config = attribution.write_world(directory, root)
    for kind in ("country", "asn"):
        path = os.path.join(directory, kind + ".mmdb")
        with open(os.path.join(RIG_DIR, "conf", "geo"), encoding="utf-8") as networks:
            run = subprocess.run([os.path.join(RIG_DIR, "geo"), kind, path], stdin=networks,
                                 stdout=subprocess.PIPE, text=True, check=False)
        if run.returncode == 77:
            attribution.skip(run.stdout.strip())
        run.check_returncode()
    with open(config, "a", encoding="utf-8") as out:
        out.write(SETTINGS)
    return config, os.path.join(directory, "mailaudit.db")


def differences(one, other, what):
    """Prints where two lists of findings differ."""
    bad = ["number: %d, %d" % (len(one), len(other))] if len(one) != len(other) else []
    for a, b in zip(one, other):
        bad += ["%s: %s, %s" % (key, json.dumps(a.get(key)), json.dumps(b.get(key)))
                for key in sorted(set(a) | set(b)) if a.get(key) != b.get(key)]
    for text in bad:
        print("  %s: %s" % (what, text))
    return len(bad)


def in_short(findings):
    """What does not depend on which of two logs was written first within a second."""
    names = ("case", "severity", "account", "login", "script")
    return sorted(({key: f[key] for key in names} for f in findings), key=str)


def logs_of(root):
    names = ["log/mail.log", "log/exim4/mainlog", "log/php-mail-www.log",
             "home/*/logs/php-mail.log"]
    return [path for name in names for path in sorted(glob.glob(os.path.join(root, name)))
            if os.path.getsize(path)]


class Daemon:
    """mailauditd, until it has stored what was sent; then it is asked to end."""

    def __init__(self, build, config, database):
        self.mailaudit, self.database = os.path.join(build, "mailaudit"), database
        self.process = subprocess.Popen([os.path.join(build, "mailauditd"), "-f", "-c", config])
        for _ in range(100):
            if os.path.exists(database):
                break
            time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def waiting_calls(self):
        db = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True, timeout=10)
        try:
            return db.execute("SELECT count(*) FROM php_mail WHERE state = 0").fetchone()[0]
        finally:
            db.close()

    def end(self, truth):
        attribution.settled(self.mailaudit, self.database, truth, time.time() + 60)
        end = time.time() + PHP_WAIT + 60       # calls of mail() that PHP refused are given up, too
        while self.waiting_calls() and time.time() < end:
            time.sleep(0.5)
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=30) != 0:
            raise RuntimeError("mailauditd: exit %d" % self.process.returncode)


def follow(build, world, root, mta):
    """Break-ins while mailauditd looks on: the truth about them."""
    env = dict(os.environ, RIG=root)
    attribution.rig("traffic", "ordinary-days", "--mta", mta, env=env)
    with Daemon(build, *world) as daemon:
        attribution.rig("traffic", "detect-all", "--mta", mta, "--first", "1000", env=env)
        truth = judge.read_truth(os.path.join(root, "truth.jsonl"))
        daemon.end(truth)
    return truth


def judged_live(live, truth):
    """Prints and judges what the daemon found."""
    findings = live.ask()
    for f in findings:
        print("  %s %s %s, after %d recipients: %s" % (
            f["severity"], f["case"], f["account"], f["leaked_before"], f["summary"]))
    bad = check(findings, truth)
    one = live.ask("--account", "carol", "--case", "4", "--severity", "critical", "--open")
    if one != [f for f in findings if (f["account"], f["case"]) == ("carol", "4")]:
        print("  carol's, asked for alone:", json.dumps(one))
        bad += 1
    return findings, bad


def one_round(build, mta):
    root = re.search(r"RIG=(\S+)", attribution.rig("up", mta, "php", "web")).group(1)
    try:
        with tempfile.TemporaryDirectory(prefix="mailaudit-") as directory:
            worlds = [write_settings(directory, root, name) for name in ("live", "later", "import")]
            live, later, imported = (Findings(build, *world) for world in worlds)
            truth = follow(build, worlds[0], root, mta)
            print("%s:" % mta)
            findings, bad = judged_live(live, truth)
            with Daemon(build, *worlds[1]) as daemon:
                daemon.end(truth)
            said = imported.load(logs_of(root))
            bad += differences(later.ask(), imported.ask(), "followed later, imported")
            bad += differences(in_short(findings), in_short(imported.ask()), "live, imported")
            bad += check(imported.ask(), truth)
            if said["findings"] != len(findings):
                print("  import says it found", said["findings"])
                bad += 1
            return bad
    finally:
        attribution.rig("clean", env=dict(os.environ, RIG=root))


def main():
    if len(sys.argv) < 2:
        sys.exit(64)
    if os.geteuid() != 0:
        attribution.skip("the rig needs root")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        attribution.skip("no mount namespaces here")
    build = os.path.abspath(sys.argv[1])
    sys.exit(1 if sum(one_round(build, mta) for mta in sys.argv[2:] or ["postfix", "exim"]) else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""follow_join.py BUILD_DIR: kill -9 between a PHP line and the message it became.

The logs of captured cases (MTA and PHP, in the order they were written) are appended piece by
piece while the daemon is killed at random moments. What it stored must be what one import of the
whole logs stores: the same messages, joined to the same calls of mail(), with the same evidence.
FOLLOW_JOIN_RUNS (2) runs for each case; FOLLOW_SEED repeats a run.
"""
import datetime
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPLAY = os.path.join(HERE, "..", "replay")
CASES = ("postfix-plain", "exim-full", "opensmtpd-logins")
RUNS = int(os.environ.get("FOLLOW_JOIN_RUNS", "2"))
SEED = int(os.environ.get("FOLLOW_SEED", str(random.randrange(1 << 30))))
LIMIT = 90  # seconds until a run must have stored everything

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def stamp(line):
    """Seconds, for merging the logs of one case; None for a line without a stamp."""
    text = line.decode("latin-1")
    m = re.match(r"(\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)", text)
    if m and m.group(1) in MONTHS:
        return datetime.datetime(2026, MONTHS.index(m.group(1)) + 1, *map(int, m.groups()[1:])).timestamp()
    m = re.match(r"\[(\d\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d)", text)
    if m:
        return datetime.datetime(int(m.group(3)), MONTHS.index(m.group(2)) + 1, int(m.group(1)),
                                 *map(int, m.groups()[3:])).timestamp()
    m = re.match(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(\.\d+)?", text)
    if m:
        return (datetime.datetime(*map(int, m.groups()[:6])).timestamp() + float(m.group(7) or 0))
    return None


def settings_of(case, directory):
    """The case's own settings, its logs in the directory, and waits short enough for a test."""
    with open(os.path.join(case, "mailaudit.yaml"), encoding="utf-8") as f:
        text = f.read()
    for name in ("passwd", "domains.map", "logins.map"):
        text = text.replace("passwd: passwd" if name == "passwd" else "path: " + name,
                            ("passwd: " if name == "passwd" else "path: ") + os.path.join(case, name))
    logs = re.findall(r"path: (logs/[^,]+),", text)
    path = os.path.join(directory, "mailaudit.yaml")
    with open(path, "w", encoding="utf-8") as out:
        out.write("database: live.db\njoin: {php_wait: 3s}\n" + text)
    return path, logs


def merged(case, logs):
    rows = []
    for log in logs:
        last = 0.0
        with open(os.path.join(case, log), "rb") as f:
            for n, line in enumerate(f):
                last = stamp(line) or last
                # PHP writes before it sends, in whole seconds
                rows.append((last, 0 if "php" in log else 1, log, n, line))
    return [(log, line) for _, _, log, _, line in sorted(rows)]


def ask(build, settings, database, command):
    run = subprocess.run([os.path.join(build, "mailaudit"), "--config", settings, "--db", database,
                          "--format", "jsonl", *command], check=False, capture_output=True)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def story(build, settings, database):
    return ask(build, settings, database, ["messages", "--limit", "0"]) + ask(build, settings, database, ["php"])


class Daemon:
    def __init__(self, build, settings):
        self.command = [os.path.join(build, "mailauditd"), "-f", "-c", settings]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)

    def stop(self, how):
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


def write_and_kill(daemon, directory, rows, rng):
    kills = 0
    at = 0
    daemon.start()
    while at < len(rows):
        count = rng.choice((1, 2, 5, 20))
        for log, line in rows[at:at + count]:
            cut = rng.randrange(len(line)) if rng.random() < 0.1 else len(line)
            with open(os.path.join(directory, log), "ab", buffering=0) as out:
                out.write(line[:cut])
                if cut < len(line):
                    time.sleep(0.001)
                    out.write(line[cut:])
        at += count
        if rng.random() < 0.12:
            time.sleep(rng.random() * 0.05)
            daemon.stop(signal.SIGKILL)
            kills += 1
            daemon.start()
    return kills


def one_run(build, case, seed):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as directory:
        settings, logs = settings_of(case, directory)
        for log in logs:
            os.makedirs(os.path.dirname(os.path.join(directory, log)), exist_ok=True)
            open(os.path.join(directory, log), "wb").close()
        rows = merged(case, logs)
        daemon = Daemon(build, settings)
        kills = write_and_kill(daemon, directory, rows, rng)
        paths = [os.path.join(directory, log) for log in logs]
        imported = subprocess.run([os.path.join(build, "mailaudit"), "--config", settings, "--db",
                                   os.path.join(directory, "import.db"), "import", *paths],
                                  check=False, stdout=subprocess.DEVNULL)
        want = story(build, settings, os.path.join(directory, "import.db"))
        end = time.time() + LIMIT
        while time.time() < end:
            got = story(build, settings, os.path.join(directory, "live.db"))
            if got == want:
                break
            time.sleep(0.5)
        code = daemon.stop(signal.SIGTERM)
        lost = [row for row in want if row not in got]
        extra = [row for row in got if row not in want]
        print("%s seed %d: %d lines, %d kills: %d rows, %d missing, %d too many"
              % (os.path.basename(case), seed, len(rows), kills, len(want), len(lost), len(extra)), flush=True)
        for row in lost[:2]:
            print("  -", row[:900])
        for row in extra[:2]:
            print("  +", row[:900])
        return bool(lost or extra or code or imported.returncode or not want)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    bad = sum(one_run(build, os.path.realpath(os.path.join(REPLAY, case)), SEED + n)
              for case in CASES for n in range(RUNS))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

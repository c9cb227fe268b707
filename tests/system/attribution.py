#!/usr/bin/env python3
"""attribution.py BUILD_DIR [COUNT]: the daemon beside real servers.

Real Postfix, Exim and PHP-FPM send COUNT messages each (local users, SASL logins, pools of
different users, a shared web uid, direct SMTP, with bounces and deferrals) while mailauditd
follows their logs; then every stored message is held against what was really sent. Once as a
host comes, once with etc/snippets installed: then every message must be attributed rightly.
Then OpenSMTPD, whose log names no uid: scripts must be found, and nobody be blamed for another's mail.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import judge  # noqa: E402

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
RIG = os.path.join(SOURCE, "tests", "rig", "rig")

CONFIG = """\
database: {dir}/mailaudit.db
hostname: host.example
sources:
  - {{path: {rig}/log/mail.log, timezone: UTC}}
  - {{path: {rig}/log/exim4/mainlog, timezone: UTC}}
  - {{path: {rig}/log/syslog-mail.rfc3339, timezone: UTC}}
  - {{path: "{rig}/home/*/logs/php-mail.log", format: php, trust: tenant}}
  - {{path: {rig}/log/php-mail-www.log, format: php}}
accounts:
  passwd: {dir}/passwd
  maps: [ {{path: {dir}/domains.map, format: domains}}, {{path: {dir}/logins.map, format: logins}} ]
  homes: ["/home/*/", "{rig}/home/*/"]
store: all
"""

# What a host without the snippets must reach: the uid names the account, the PHP log the script.
LEAST = {"off": {"found": 1.0, "account": 0.99, "script": 0.95, "outcome": 0.99},
         "on": {"found": 1.0, "account": 1.0, "script": 1.0, "outcome": 0.99},
         "opensmtpd": {"found": 1.0, "blamed": 1.0, "script": 0.95, "outcome": 0.99}}


def skip(why):
    print("skip:", why)
    sys.exit(77)


def rig(*args, env=None):
    run = subprocess.run([RIG, *args], env=env, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        raise RuntimeError("rig %s: exit %d" % (" ".join(args), run.returncode))
    return run.stdout


def write_world(directory, root):
    with open(os.path.join(SOURCE, "tests", "rig", "conf", "passwd"), encoding="utf-8") as users, \
            open(os.path.join(directory, "passwd"), "w", encoding="utf-8") as out:
        out.write(users.read())
        out.write(subprocess.run(["getent", "passwd", "www-data"], capture_output=True, text=True, check=True).stdout)
    subprocess.run([sys.executable, "-B", "write_maps.py", directory], check=True,
                   cwd=os.path.join(SOURCE, "tests", "rig", "traffic"))
    config = os.path.join(directory, "mailaudit.yaml")
    with open(config, "w", encoding="utf-8") as out:
        out.write(CONFIG.format(dir=directory, rig=root))
    return config


def settled(mailaudit, database, truth, deadline):
    """Waits until all is stored, or nothing more comes: the servers go on delivering (bounded)."""
    last, since = None, time.time()
    while time.time() < deadline and time.time() - since < 15:
        verdict = judge.compare(truth, judge.read_messages(mailaudit, database))
        if verdict.share("found") == 1 and verdict.share("outcome") == 1:
            return
        right = (verdict.n["found right"], verdict.n["outcome right"])
        if right != last:
            last, since = right, time.time()
        time.sleep(1)


def one_round(build, snippets, count, mtas):
    mailaudit = os.path.join(build, "mailaudit")
    up = ["up", *mtas, "php"] + (["--snippets"] if snippets == "on" else [])
    root = re.search(r"RIG=(\S+)", rig(*up)).group(1)
    env = dict(os.environ, RIG=root)
    daemon = None
    try:
        with tempfile.TemporaryDirectory(prefix="mailaudit-") as directory:
            config = write_world(directory, root)
            database = os.path.join(directory, "mailaudit.db")
            daemon = subprocess.Popen([os.path.join(build, "mailauditd"), "-f", "-c", config])
            verdicts = {}
            for i, mta in enumerate(mtas):
                rig("traffic", "mix", "--mta", mta, "--count", str(count), "--first", str(1 + 10000 * i),
                    "--seed", str(i + 1), env=env)
            truth = judge.read_truth(os.path.join(root, "truth.jsonl"))
            settled(mailaudit, database, truth, time.time() + 60)
            daemon.send_signal(signal.SIGTERM)
            if daemon.wait(timeout=30) != 0:
                raise RuntimeError("mailauditd: exit %d" % daemon.returncode)
            messages = judge.read_messages(mailaudit, database)
            for mta in mtas:
                verdicts[mta] = judge.compare([t for t in truth if t["mta"] == mta], messages)
            return verdicts
    finally:
        if daemon and daemon.poll() is None:
            daemon.kill()
            daemon.wait()
        rig("clean", env=env)


def main():
    if len(sys.argv) < 2:
        sys.exit(64)
    if os.geteuid() != 0:
        skip("the rig needs root")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        skip("no mount namespaces here")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    bad = 0
    for wanted, snippets, mtas in (("off", "off", ("postfix", "exim")), ("on", "on", ("postfix", "exim")),
                                   ("opensmtpd", "off", ("opensmtpd",))):
        for mta, verdict in one_round(os.path.abspath(sys.argv[1]), snippets, count, mtas).items():
            print("snippets %s, %s: %s" % (snippets, mta, verdict.text()))
            for what, least in LEAST[wanted].items():
                if verdict.share(what) < least:
                    print("  %s: %.4f, at least %.4f is wanted" % (what, verdict.share(what), least))
                    bad += 1
            verdict.explain()
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

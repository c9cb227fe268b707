#!/usr/bin/env python3
"""alerts.py BUILD_DIR [MTA...]: people are told of break-ins, by real mail.

As detection.py: real servers, ordinary days, then four break-ins while mailauditd follows the logs. Beside
it `mailaudit notify --follow` runs as the user mailaudit and hands its mails to sendmail(8) of Postfix, then
of Exim, for a user of the host. Each case must arrive once in his mailbox, as a mail that an independent
parser takes without a complaint, with all that is needed to act, and once, in other words, in that of the
account's owner; and none of that mail may be found suspicious. Then the same by SMTP with the mail server
down, and notify killed meanwhile: once it is up, every version arrives, and what comes twice has the same
Message-ID. Last, the mails about a simulated host's findings, which are of all cases there are.
"""
import collections
import email
import email.policy
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import attribution  # noqa: E402
import detection  # noqa: E402
import judge  # noqa: E402

USER, UID = "mailaudit", 5190        # tests/rig/lib/host.sh
ADMIN = "dave"
# Of a simulated host, all cases: attacks, and a login too young to have habits.
SIMULATED = ["--accounts", "150", "--days", "21", "--warmup", "14", "--seed", "11", "--attacks", "2",
             "--only", "2a,3a,3b,3c,3d,4a,4h,5"]
CASES = {"2", "3a", "3b", "3c", "3d", "4", "5", "unknown"}
ALERTS = """\
alerts: {to: [dave@host.example], per_hour: 100%s}
"""
# What a mail must have, beside the words of detection.EXPECTED: how to hold mail on this server.
HOLD = {"postfix": r"postsuper -h", "exim": r"exim -Mf"}
ADDRESS = {"postfix": "127.0.0.1", "exim": "127.0.0.2"}


def mails(root, user=ADMIN, kind="mail"):
    """Mails of a channel in somebody's mailbox: parsed, oldest first."""
    found = []
    for path in glob.glob(os.path.join(root, "home", user, "Maildir/new/*")):
        with open(path, "rb") as f:
            message = email.message_from_binary_file(f, policy=email.policy.default)
        if (message["Message-ID"] or "").startswith("<mailaudit.%s." % kind):
            found.append(message)
    return sorted(found, key=lambda m: (m["Date"].datetime, m["X-Mailaudit-Alert"]))


def forget_mails(root):
    for path in glob.glob(os.path.join(root, "home", ADMIN, "Maildir/new/*")):
        os.unlink(path)


def parts(message):
    """{type: text} of a mail, and what is wrong with its MIME."""
    wrong = [str(d) for part in message.walk() for d in part.defects]
    wrong += [f"{name}: {value.defects}" for name, value in message.items()
              if getattr(value, "defects", None)]
    texts = {part.get_content_type(): part.get_content() for part in message.walk()
             if not part.is_multipart()}
    if message.get_content_type() != "multipart/alternative":
        wrong.append("is " + message.get_content_type())
    if set(texts) != {"text/plain", "text/html"}:
        wrong.append("has " + ", ".join(sorted(texts)))
    if message["Auto-Submitted"] != "auto-generated":
        wrong.append("Auto-Submitted: %s" % message["Auto-Submitted"])
    return texts, wrong


def faults(message, wanted, mta):
    """What is wrong with the mail about a break-in."""
    texts, wrong = parts(message)
    who = wanted.login or wanted.account
    if not re.match(r"\[mailaudit\] case %s: " % wanted.case, message["Subject"]):
        wrong.append("Subject: " + message["Subject"])
    for kind, text in texts.items():
        for pattern in [re.escape(who), HOLD[mta], r"mailaudit ack \d+", *wanted.said]:
            if not re.search(pattern, text, re.S | re.I):
                wrong.append("%s does not say %s" % (kind, pattern))
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text.replace("\r\n", "\n")):
            wrong.append(kind + " has control characters")
    return wrong


def about(found, wanted):
    return [m for m in found if m["X-Mailaudit-Case"] == wanted.case
            and (wanted.login or wanted.account) in m["Subject"] + str(parts(m)[0])]


def check_mails(found, mta):
    """Prints what is wrong with the mails; the number of it."""
    bad = []
    for wanted in detection.EXPECTED:
        mine = about(found, wanted)
        if not mine:
            bad.append("case %s of %s: no mail" % (wanted.case, wanted.account))
        for message in mine[:1]:
            bad += ["case %s: %s" % (wanted.case, what) for what in faults(message, wanted, mta)]
    versions = collections.Counter(m["X-Mailaudit-Alert"] for m in found)
    bad += ["alert %s: %d mails" % (v, n) for v, n in versions.items() if n > 1]
    ids = collections.Counter(m["Message-ID"] for m in found)
    bad += ["%s: %d mails" % (i, n) for i, n in ids.items() if n > 1]
    for what in bad:
        print("  wrong:", what)
    return len(bad)


def check_owners(root):
    """Each owner got one mail about what happened in his account, without commands."""
    bad = []
    for wanted in detection.EXPECTED:
        found = mails(root, wanted.account, "owner")
        if len(found) != 1:
            bad.append("%s got %d mails as the owner" % (wanted.account, len(found)))
        for message in found:
            texts, wrong = parts(message)
            bad += wrong
            bad += [kind + " has commands" for kind, text in texts.items()
                    if re.search(r"postsuper|exim -M|mailaudit (ack|act|mute)", text)]
            if (wanted.login or "/home/%s/" % wanted.account) not in texts.get("text/plain", ""):
                bad.append("%s is not told what it is about" % wanted.account)
    for what in bad:
        print("  wrong:", what)
    return len(bad)


class Notify:
    """`mailaudit notify --follow` inside the rig, as the user mailaudit."""

    def __init__(self, build, config, root):
        self.root = root
        self.command = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
                        os.path.join(build, "mailaudit"), "--config", config, "notify"]
        self.process = None

    def start(self):
        self.process = subprocess.Popen([attribution.RIG, "exec", "--", *self.command, "--follow"],
                                        env=dict(os.environ, RIG=self.root))

    def end(self, how=signal.SIGTERM):
        """The rig's command waits for what it started, so that one is asked to end."""
        for pid in self.pids():
            os.kill(pid, how)
        code = self.process.wait(timeout=60)
        self.process = None
        return code

    def pids(self):
        """Of this notify only: by its whole command line."""
        wanted = "\0".join(self.command[4:] + ["--follow"]).encode()
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as f:
                    if f.read().rstrip(b"\0") == wanted:
                        found.append(int(path.split("/")[2]))
            except OSError:
                pass
        return found


def open_to_notify(directory):
    """The database is made by root here; on a host both run as mailaudit."""
    for path, folders, files in os.walk(directory):
        for name in [path] + [os.path.join(path, n) for n in folders + files]:
            os.chown(name, UID, UID)
            os.chmod(name, 0o777 if os.path.isdir(name) else 0o666)


def make_world(directory, root, name, more=""):
    config, database = detection.write_settings(directory, root, name)
    with open(config, "a", encoding="utf-8") as out:
        out.write(ALERTS % more)
    with open(os.path.join(os.path.dirname(config), "passwd"), "a", encoding="utf-8") as out:
        out.write(f"{USER}:x:{UID}:{UID}::/var/lib/mailaudit:/usr/sbin/nologin\n")
    with open(database, "wb"):
        pass
    open_to_notify(directory)
    return config, database


def wait_for(what, condition, seconds):
    end = time.time() + seconds
    while time.time() < end:
        if condition():
            return True
        time.sleep(0.3)
    print("  wrong: still waiting for", what)
    return False


def alerts_of(build, world, *words):
    run = subprocess.run([os.path.join(build, "mailaudit"), "--config", world[0], "--format", "json",
                          "alerts", *words], capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError("alerts: exit %d: %s" % (run.returncode, run.stderr))
    return json.loads(run.stdout) if run.stdout.strip() else []


def waiting(build, world):
    rows = alerts_of(build, world)
    return not rows or sum(row["waiting"] for row in rows)


def live(build, world, root, mta):
    """Break-ins while mailauditd and notify look on."""
    bad = 0
    env = dict(os.environ, RIG=root)
    attribution.rig("traffic", "ordinary-days", "--mta", mta, env=env)
    notify = Notify(build, world[0], root)
    with detection.Daemon(build, *world) as daemon:
        notify.start()
        attribution.rig("traffic", "detect-all", "--mta", mta, "--first", "1000", env=env)
        truth = judge.read_truth(os.path.join(root, "truth.jsonl"))
        wait_for("the outbox", lambda: not waiting(build, world), 60)
        daemon.end(truth)
    code = notify.end()
    if code:
        print("  wrong: notify: exit", code)
        bad += 1
    wait_for("the mails", lambda: len(mails(root)) >= len(detection.EXPECTED), 60)
    found = mails(root)
    for message in found:
        print("  mail %s: %s" % (message["X-Mailaudit-Alert"], message["Subject"]))
    bad += check_mails(found, mta)
    bad += check_owners(root)
    findings = detection.Findings(build, *world).ask()
    bad += detection.check(findings, truth)
    return bad


def own_mail(build, world, found):
    """Mails that notify sent are in the log, as its user's, and nobody's habit."""
    run = subprocess.run([os.path.join(build, "mailaudit"), "--config", world[0], "--format", "json",
                          "messages", "--account", USER], capture_output=True, text=True,
                         check=False)
    rows = json.loads(run.stdout or "[]")
    if len(rows) < len(found):
        print("  wrong: %d of %d own mails are in the log" % (len(rows), len(found)))
        return 1
    return 0


def start_server(root, mta, on):
    command = {("postfix", False): ["postfix", "stop"], ("postfix", True): ["postfix", "start"],
               ("exim", False): ["pkill", "-x", "exim4"],
               ("exim", True): ["/usr/sbin/exim4", "-bd", "-q5s"]}[mta, on]
    subprocess.run([attribution.RIG, "exec", "--", *command], env=dict(os.environ, RIG=root),
                   capture_output=True, check=False)


def server_down(build, world, root, mta):
    """By SMTP, with the server down, notify killed, and up again."""
    bad = 0
    forget_mails(root)
    start_server(root, mta, False)
    detection.Findings(build, *world).run("import", "--alert", *detection.logs_of(root))
    open_to_notify(os.path.dirname(world[0]))
    notify = Notify(build, world[0], root)
    notify.start()
    wait_for("a try", lambda: any(d["tries"] for row in alerts_of(build, world) for d in
                                  alerts_of(build, world, str(row["id"]))["deliveries"]), 30)
    notify.end(signal.SIGKILL)
    if mails(root):
        print("  wrong: a mail from a server that is down")
        bad += 1
    notify.start()
    time.sleep(3)
    start_server(root, mta, True)
    bad += not wait_for("the outbox", lambda: not waiting(build, world), 120)
    notify.end()
    wanted = {"%d.%d" % (row["id"], version) for row in alerts_of(build, world)
              for version in range(1, row["version"] + 1)}
    bad += not wait_for("the mails", lambda: {m["X-Mailaudit-Alert"] for m in mails(root)} >= wanted,
                        60)
    by_version = collections.defaultdict(set)
    for message in mails(root):
        by_version[message["X-Mailaudit-Alert"]].add(message["Message-ID"])
    if set(by_version) != wanted or any(len(ids) != 1 for ids in by_version.values()):
        print("  wrong: wanted", sorted(wanted), "got", dict(by_version))
        bad += 1
    print("  server down: %d versions, %d mails" % (len(wanted), len(mails(root))))
    return bad


def every_case(build, root, directory, mta):
    """Mails about findings of all cases, made of a simulated host's logs."""
    forget_mails(root)
    host = os.path.join(directory, "simulated")
    subprocess.run([os.path.join(build, "tests/sim/generate"), "--out", host, "--mta", mta,
                    *SIMULATED], check=True)
    subprocess.run([os.path.join(attribution.SOURCE, "tests/sim/geo"), host], check=True)
    config = os.path.join(host, "mailaudit.yaml")
    with open(config, "a", encoding="utf-8") as out:
        out.write(ALERTS % "" + "database: mailaudit.db\n"
                  "geoip: {country: country.mmdb, asn: asn.mmdb}\n")
    world = (config, os.path.join(host, "mailaudit.db"))
    logs = [os.path.join(host, name) for name in ("mail.log", "php.log")]
    findings = detection.Findings(build, *world)
    findings.run("import", "--alert", *logs)
    open_to_notify(host)
    notify = Notify(build, config, root)
    notify.start()
    wait_for("the outbox", lambda: not waiting(build, world), 60)
    notify.end()
    wanted = {"%d.1" % row["id"] for row in alerts_of(build, world)}
    bad = not wait_for("the mails", lambda: {m["X-Mailaudit-Alert"] for m in mails(root)} >= wanted, 150)
    found = mails(root)
    for message in found:
        _, wrong = parts(message)
        case = message["X-Mailaudit-Case"]
        if not message["Subject"].startswith("[mailaudit] case %s: " % (
                "not clear" if case == "unknown" else case)):
            wrong.append("Subject: " + message["Subject"])
        for what in wrong:
            print("  wrong: alert %s: %s" % (message["X-Mailaudit-Alert"], what))
        bad += len(wrong)
    cases = {m["X-Mailaudit-Case"] for m in found}
    if cases != CASES:
        print("  wrong: no mail about case", ", ".join(sorted(CASES - cases)))
        bad += 1
    print("  %d mails about cases %s" % (len(found), ", ".join(sorted(cases))))
    return bad


def one_round(build, mta):
    root = re.search(r"RIG=(\S+)", attribution.rig("up", mta, "php", "web")).group(1)
    directory = tempfile.mkdtemp(prefix="mailaudit-")
    try:
        print("%s:" % mta)
        world = make_world(directory, root, "live", ", owner: on")
        bad = live(build, world, root, mta)
        bad += own_mail(build, world, mails(root))
        down = make_world(directory, root, "down", ", smtp: smtp://%s:25" % ADDRESS[mta])
        bad += server_down(build, down, root, mta)
        return bad + every_case(build, root, directory, mta)
    finally:
        attribution.rig("clean", env=dict(os.environ, RIG=root))
        shutil.rmtree(directory)


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

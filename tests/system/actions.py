#!/usr/bin/env python3
"""actions.py BUILD_DIR [MTA...]: actions do what they say to real servers, and undo it.

With real Postfix, then real Exim: messages of an alert are held and let go again while those of
others stay as they are; a login is refused by SMTP, and by Dovecot, and accepted again; a PHP script
answers an error over HTTP, and works again. All by `mailaudit act` and `mailaudit undo`, as an
administrator runs them; and by a rule, in `mailaudit notify`. Root has no more rights there than the
drop-in of notify's unit leaves it."""
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import attribution  # noqa: E402

LOGIN, OTHER, ACCOUNT = "info@shop.example", "orders@shop.example", "carol"
INFECTED, STOLEN = 1, 6     # enum finding_case
SCRIPT = "/home/alice/public_html/inquiry.php"
# The rule is for `rule_is_followed`: other findings here are of case 4.
SETTINGS = """\
alerts: {to: [], journal: off}
actions: {dry_run: no, rules: [{case: 2, run: [block-login-dovecot]}]}
"""
WHERE = {"postfix": ("127.0.0.1", "192.0.2.10", "log/mail.log"),
         "exim": ("127.0.0.2", "192.0.2.11", "log/exim4/mainlog")}


def bounded():
    """A command that starts another with no right of root but those of the unit's drop-in."""
    path = os.path.join(attribution.SOURCE, "systemd", "mailaudit-notify-actions.conf")
    with open(path, encoding="utf-8") as conf:
        rights = re.search(r"^CapabilityBoundingSet=(.*)", conf.read(), re.M).group(1)
    keep = "".join(",+" + name[len("CAP_"):].lower() for name in rights.split())
    return ["setpriv", "--bounding-set=-all" + keep]


BOUNDED = bounded()


class Host:
    """A rig with servers, and mailaudit run inside it."""

    def __init__(self, build, mta):
        self.root = re.search(r"RIG=(\S+)", attribution.rig("up", mta, "php", "web", "dovecot")).group(1)
        self.directory = tempfile.TemporaryDirectory(prefix="mailaudit-")
        self.mta, self.bad = mta, 0
        self.smtp, self.web, self.log = WHERE[mta]
        config = attribution.write_world(self.directory.name, self.root)
        with open(config, "a", encoding="utf-8") as out:
            out.write(SETTINGS)
        self.database = os.path.join(self.directory.name, "mailaudit.db")
        self.command = [*BOUNDED, os.path.join(build, "mailaudit"), "--config", config]

    def close(self):
        attribution.rig("clean", env=dict(os.environ, RIG=self.root))
        self.directory.cleanup()

    def run(self, *words):
        run = subprocess.run([attribution.RIG, "exec", "--", *words], check=False, text=True,
                             env=dict(os.environ, RIG=self.root), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return run.returncode, run.stdout

    def mailaudit(self, *words):
        code, text = self.run(*self.command, "--format", "json", *words)
        return code, json.loads(text) if text.startswith("[") else text

    def check(self, what, holds, seen=""):
        if not holds:
            print("  %s: wrong: %s: %s" % (self.mta, what, seen))
            self.bad += 1

    def act(self, alert, action, state="done"):
        """The id of the one row that comes of it."""
        code, rows = self.mailaudit("act", str(alert), action)
        good = isinstance(rows, list) and len(rows) == 1 and rows[0]["state"] == state
        self.check("act %s" % action, good and code == (state not in ("done", "dry run")), rows)
        if good:
            what = "; ".join(s["what"] for s in rows[0]["steps"] if s["state"] != "later")
            print("  %s: %s: %s: %s" % (self.mta, action, rows[0]["state"],
                                        what if code == 0 else rows[0]["output"][-1]))
        return rows[0]["id"] if good else 0

    def undo(self, action):
        code, rows = self.mailaudit("undo", str(action))
        self.check("undo", code == 0 and rows[0]["state"] == "undone", rows)


def put_alert(host, finding, login=None, script=None, account=ACCOUNT, case=STOLEN):
    """A finding, as mailauditd would store it, of which `mailaudit notify` makes an alert: its id."""
    db = sqlite3.connect(host.database)
    for table, text in (("account", account), ("login", login), ("path", script)):
        db.execute("INSERT OR IGNORE INTO %s (text) SELECT ?1 WHERE ?1 IS NOT NULL" % table, (text,))
    db.execute("INSERT INTO finding (id, stream, time, first_seen, last_seen, severity, verdict, account,"
               " login, script, messages, recipients) VALUES (?1, ?1, 1, 1, 1, 1, ?5, (SELECT id FROM account"
               " WHERE text = ?2), (SELECT id FROM login WHERE text = ?3), (SELECT id FROM path"
               " WHERE text = ?4), 9, 9)", (finding, account, login, script, case))
    db.execute("INSERT INTO news (finding, number, due) VALUES (?1, ?1, 0)", (finding,))
    db.commit()
    code, text = host.run(*host.command, "notify")
    host.check("notify", code == 0, text)
    alerts = db.execute("SELECT alert FROM alert_finding WHERE finding = ?", (finding,)).fetchall()
    db.close()
    host.check("one alert", len(alerts) == 1, alerts)
    return alerts[0][0]


def submit(host, login, recipient):
    """SMTP with a login: whether it was accepted, and what was said."""
    code, text = host.run("swaks", "--server", host.smtp, "--port", "587", "--auth", "PLAIN",
                          "--auth-user", login, "--auth-password", "secret", "--from", login,
                          "--to", recipient, "--helo", "client.example", "--body", "hello")
    return code == 0, text


def held(host):
    """{sender: queue ids} of what is held, and of what is not."""
    kinds = ({}, {})
    if host.mta == "postfix":
        for line in host.run("postqueue", "-j")[1].splitlines():
            row = json.loads(line)
            kinds[row["queue_name"] != "hold"].setdefault(row["sender"], set()).add(row["queue_id"])
        return kinds
    for line in host.run("exim4", "-bp")[1].splitlines():
        found = re.match(r"\s*\S+\s+\S+ (\S+) <(\S+)>( \*\*\* frozen \*\*\*)?", line)
        if found:
            kinds[not found.group(3)].setdefault(found.group(2), set()).add(found.group(1))
    return kinds


def wait_for_queue(host, least):
    for _ in range(100):
        if sum(len(ids) for ids in held(host)[1].values()) >= least:
            return
        time.sleep(0.1)


def queue_is_held(host):
    """Three messages of the login stay in the queue for the other side's sake, and two of another."""
    for number in range(3):
        submit(host, LOGIN, "t%d@grey.example" % number)
    for number in range(2):
        submit(host, OTHER, "o%d@grey.example" % number)
    wait_for_queue(host, 5)
    before = held(host)
    mine = before[1].get(LOGIN, set())
    host.check("five are queued", (before[0], len(mine), len(before[1].get(OTHER, ()))) == ({}, 3, 2), before)
    code, text = host.run(*host.command, "import", os.path.join(host.root, host.log))
    host.check("import", code == 0, text)
    host.check("alert", put_alert(host, 1, login=LOGIN) == 1)
    first = min(mine)          # somebody held it before: not ours to let go
    host.run(*(["postsuper", "-h", first] if host.mta == "postfix" else ["exim4", "-Mf", first]))
    action = host.act(1, {"postfix": "hold-postfix", "exim": "freeze-exim"}[host.mta])
    host.check("held", held(host) == ({LOGIN: mine}, {OTHER: before[1].get(OTHER)}), held(host))
    host.act(1, {"postfix": "freeze-exim", "exim": "hold-postfix"}[host.mta], "refused")
    host.undo(action)
    host.check("let go", held(host)[0] == {LOGIN: {first}}, held(host))
    if host.mta == "exim":     # one that has left the queue meanwhile is no reason to complain
        action = host.act(1, "freeze-exim")
        host.run("exim4", "-Mrm", max(mine))
        host.undo(action)
        host.check("let go", held(host)[0] == {LOGIN: {first}}, held(host))


def login_is_blocked(host):
    name = "block-login-" + host.mta
    host.check("accepted before", submit(host, LOGIN, "x@dest.example")[0])
    action = host.act(1, name)
    accepted, said = submit(host, LOGIN, "x@dest.example")
    host.check("refused", not accepted and re.search(r"55[04][- ].*login is blocked", said), said)
    host.check("others are accepted", submit(host, OTHER, "x@dest.example")[0])
    host.check("mail without a login is accepted", host.run(
        "swaks", "--server", host.smtp, "--from", LOGIN, "--to", "x@dest.example")[0] == 0)
    host.undo(action)
    host.check("accepted again", *submit(host, LOGIN, "x@dest.example"))


def dovecot_says(host, login, wanted):
    """Dovecot looks at its files once a second."""
    for _ in range(50):
        if (host.run("doveadm", "auth", "test", login, "secret")[0] == 0) == wanted:
            return True
        time.sleep(0.1)
    return False


def dovecot_refuses(host):
    host.check("Dovecot knows it", dovecot_says(host, LOGIN, True))
    action = host.act(1, "block-login-dovecot")
    host.check("Dovecot refuses it", dovecot_says(host, LOGIN, False))
    host.check("Dovecot knows others", dovecot_says(host, OTHER, True))
    host.undo(action)
    host.check("Dovecot knows it again", dovecot_says(host, LOGIN, True))


def post(host):
    """The status and body that the form answers."""
    code, text = host.run("curl", "-s", "-m", "10", "-w", "\n%{http_code}", "-H", "Host: alice-crafts.example",
                          "-d", "email=visitor@dest.example&text=hello", "http://%s/inquiry.php" % host.web)
    body, _, status = text.rpartition("\n")
    return (status, body) if code == 0 else ("curl %d" % code, body)


def script_is_disabled(host):
    host.check("alert", put_alert(host, 2, script=SCRIPT, account="alice") == 2)
    for _ in range(3):         # PHP keeps it compiled by then
        host.check("form works", post(host) == ("200", "Thank you!"), post(host))
    action = host.act(2, "disable-script")
    status, body = post(host)
    host.check("form answers an error", status[0] in "45" and "Thank" not in body, status + body)
    host.undo(action)
    host.check("form works again", post(host) == ("200", "Thank you!"), post(host))
    # The customer puts a link to somebody else's file in its place.
    host.run("setpriv", "--reuid", "alice", "--regid", "alice", "--clear-groups", "sh", "-c",
             "cd /home/alice/public_html && mv inquiry.php kept.php &&"
             " ln -s /home/bob/public_html/index.php inquiry.php")
    before = host.run("stat", "-L", "-c", "%a %i %n", "/home/bob/public_html/index.php", SCRIPT)
    host.check("a link is there", before[0] == 0, before)
    host.act(2, "disable-script", "refused")
    host.check("nothing was touched", host.run(
        "stat", "-L", "-c", "%a %i %n", "/home/bob/public_html/index.php", SCRIPT) == before, before)


def rule_is_followed(host):
    alert = put_alert(host, 3, login=OTHER, case=INFECTED)
    code, rows = host.mailaudit("actions", "--alert", str(alert))
    host.check("rule", [(r["name"], r["target"], r["state"], r["automatic"]) for r in rows] ==
               [("block-login-dovecot", OTHER, "done", True)], rows)
    host.check("Dovecot refuses it", dovecot_says(host, OTHER, False))
    host.undo(rows[0]["id"])
    host.check("Dovecot knows it again", dovecot_says(host, OTHER, True))


def log_tells(host):
    code, rows = host.mailaudit("actions")
    states = [row["state"] for row in rows]
    host.check("log", code == 0 and states.count("undone") >= 4 and [row["by"] for row in rows[:2]] == [None, "root"], rows)
    code, rows = host.mailaudit("actions", "--alert", "2")
    host.check("log of an alert", [row["state"] for row in rows] == ["refused", "undone"], rows)


def one_round(build, mta):
    host = Host(build, mta)
    try:
        print("%s:" % mta)
        for part in (queue_is_held, login_is_blocked, dovecot_refuses, script_is_disabled,
                     rule_is_followed, log_tells):
            part(host)
        return host.bad
    finally:
        host.close()


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

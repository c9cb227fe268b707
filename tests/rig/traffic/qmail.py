"""qmail.py BIN_DIR CASE_DIR: what tests/rig/qmail runs inside its namespaces.

Lays out /var/qmail, users and homes, starts qmail's four daemons as qmail-start does, with multilog
behind them, a remote server that answers by domain, and sends mail: by users, by PHP, by the user of
qmail-smtpd (there is none here: what tells SMTP in the log is that user), through a .qmail that
forwards; with hostile addresses and answers, retries, a restart, a SIGKILL, and an end of patience.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time

BIN, CASE = sys.argv[1], pathlib.Path(sys.argv[2])
HOME = pathlib.Path("/var/qmail")
PROGRAMS = "send queue clean lspawn rspawn getpw local remote".split()
QMAIL_USERS = {"alias": 64010, "qmaild": 64011, "qmaill": 64012, "qmailp": 64013, "qmailq": 64014,
               "qmails": 64015, "qmailr": 64016}
PEOPLE = {"alice": 5101, "bob": 5102, "carol": 5103}
NOFILES, QMAIL = 64010, 64011
RELAY, BUSY = "198.51.100.10", "198.51.100.12"
random.seed(7)


def run(*command):
    subprocess.run(command, check=True)


def write(path, text, uid=0, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.chown(path, uid, uid)
    path.chmod(mode)


# --- the host

def mounts():
    run("mount", "--make-rprivate", "/")
    for place in ("/var", "/home"):
        run("mount", "-t", "tmpfs", "tmpfs", place)
    for name, extra in (("passwd", passwd()), ("group", "nofiles:x:64010:\nqmail:x:64011:\n")):
        whole = pathlib.Path("/etc", name).read_text()
        write(pathlib.Path("/var/etc", name), whole + extra)
        run("mount", "--bind", "/var/etc/" + name, "/etc/" + name)
    run("ip", "link", "set", "lo", "up")
    for address in (RELAY, BUSY):
        run("ip", "address", "add", address + "/32", "dev", "lo")


def passwd():
    lines = ["%s:x:%d:%d::/home/%s:/bin/sh" % (n, u, u, n) for n, u in PEOPLE.items()]
    lines += ["%s:x:%d:%d::/home/%s:/bin/false" % (n, u, NOFILES, n) for n, u in QMAIL_USERS.items()]
    return "\n".join(lines) + "\n"


def install():
    for name in PROGRAMS:
        target = HOME / "bin" / ("qmail-" + name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pathlib.Path(BIN, "qmail-" + name), target)
        target.chmod(0o755)
    os.chown(HOME / "bin/qmail-queue", QMAIL_USERS["qmailq"], QMAIL)
    (HOME / "bin/qmail-queue").chmod(0o4711)
    queue = HOME / "queue"
    queue.mkdir()
    (CASE / "queue").mkdir()
    run("mount", "--bind", CASE / "queue", queue)  # a disk's, which gives inode numbers again
    os.chown(queue, QMAIL_USERS["qmailq"], QMAIL)
    for name in "pid intd todo bounce lock mess info local remote".split():
        (queue / name).mkdir(parents=True)
        owner = QMAIL_USERS["qmailq" if name in ("pid", "intd", "todo", "mess") else "qmails"]
        folders = [queue / name] + [queue / name / str(n) for n in range(23)
                                    if name in ("mess", "info", "local", "remote")]
        for folder in folders:
            folder.mkdir(exist_ok=True)
            os.chown(folder, owner, QMAIL)
            folder.chmod(0o750 if name in ("todo", "mess") else 0o700)
    (queue / "lock").chmod(0o750)
    os.chown(queue / "lock", QMAIL_USERS["qmailq"], QMAIL)
    (queue / "lock/sendmutex").touch()
    os.mkfifo(queue / "lock/trigger")
    for name, mode in (("sendmutex", 0o600), ("trigger", 0o622)):
        os.chown(queue / "lock" / name, QMAIL_USERS["qmails"], QMAIL)
        (queue / "lock" / name).chmod(mode)


def configure():
    write(HOME / "control/me", "host.example\n")
    write(HOME / "control/locals", "host.example\n")
    write(HOME / "control/virtualdomains", "shop.example:carol\n")
    write(HOME / "control/smtproutes", "busy.example:%s:2526\ndown.example:%s:1\n.example:%s:2525\n" %
          (BUSY, RELAY, RELAY))
    for name, uid in {**PEOPLE, "alias": QMAIL_USERS["alias"]}.items():
        write(pathlib.Path("/home", name, ".qmail-" + ("postmaster" if name == "alias" else "default")),
              "./Mailbox\n", uid)
        os.chown("/home/" + name, uid, uid)
        os.chmod("/home/" + name, 0o755)
    write(pathlib.Path("/home/carol/.qmail-info"), "&t900001@isp.example\n", PEOPLE["carol"])
    write(pathlib.Path("/home/carol/.qmail-odd"),
          "|echo 'end msg 1'; echo 'delivery 1: success: did 0+1+0'\n./Mailbox\n", PEOPLE["carol"])


class Daemons:
    """qmail-send and its three servants, as qmail-start(8) connects them."""

    def __init__(self, log):
        self.log, self.send = log, None

    def spawn(self, name, fds, user, *arguments):
        child = os.fork()
        if child:
            return child
        for n, fd in enumerate(fds):
            os.dup2(fd, 100 + n)
        for n in range(len(fds)):
            os.dup2(100 + n, n)
        os.closerange(len(fds), 256)
        os.chdir(HOME)
        if user:
            os.setgroups([])
            os.setgid(QMAIL)
            os.setuid(QMAIL_USERS[user])
        os.environ["PATH"] = "/var/qmail/bin:/usr/bin:/bin"
        os.execv("bin/qmail-" + name, ["qmail-" + name, *arguments])
        return None

    def start(self):
        pipes = [os.pipe() for _ in range(6)]
        read, end = [p[0] for p in pipes], [p[1] for p in pipes]
        self.spawn("lspawn", (read[0], end[1]), None, "./Mailbox")
        self.spawn("rspawn", (read[2], end[3]), "qmailr")
        self.spawn("clean", (read[4], end[5]), "qmailq")
        self.send = self.spawn("send", (self.log, end[0], read[1], end[2], read[3], end[4], read[5]),
                               "qmails")
        for fd in read + end:
            os.close(fd)

    def stop(self, number):
        os.kill(self.send, number)
        os.waitpid(self.send, 0)


# --- the world

later_accepts = threading.Event()


class Remote(socketserver.StreamRequestHandler):
    """Answers by the recipient's domain."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def answer(self, domain):
        if domain == "nouser.example":
            return ("550-5.1.1 <end msg 1> Recipient address rejected:\r\n"
                    "550 5.1.1 User unknown: info msg 9: bytes 1 from <x> qp 1 uid 5102")
        if domain == "grey.example" or (domain == "later.example" and not later_accepts.is_set()):
            return "450 4.2.0 Greylisted, delivery 1: success: come back later"
        return "250 2.1.5 Ok"

    def handle(self):
        if self.server.server_address[0] == BUSY:
            self.say("421 4.7.0 busy")
            return
        self.say("220 mx.dest.example ESMTP")
        domain = ""
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"RCPT":
                domain = line.decode("latin1").rsplit("@", 1)[1].split(">")[0]
                self.say(self.answer(domain))
            elif verb == b"DATA":
                self.take(domain)
            elif verb == b"QUIT":
                return
            else:
                self.say("250 ok")

    def take(self, domain):
        self.say("354 go on")
        for line in self.rfile:
            if line == b".\r\n":
                break
        if domain == "slow.example" and not later_accepts.is_set():
            time.sleep(3)
        self.say("554 5.7.1 Message contains spam" if domain == "spamtrap.example" else
                 "250 2.0.0 Ok: queued as 4jXxGT14rvz1c0tT")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def serve():
    for address in ((RELAY, 2525), (BUSY, 2526)):
        threading.Thread(target=Server(address, Remote).serve_forever, daemon=True).start()


# --- mail

OUTCOME = {"nouser": "bounced", "spamtrap": "bounced", "grey": "bounced", "busy": "bounced",
           "down": "bounced"}  # the last three by the end of patience
SENDMAIL = """#!/usr/bin/python3
# In place of qmail-inject: the recipients of To: and Bcc:, the caller's uid.
import os, re, subprocess, sys
text = sys.stdin.read().replace("\\r", "")
to = re.findall(r"^(?:To|Bcc): (.*)$", text, re.M)
mail, envelope = os.pipe(), os.pipe()
child = subprocess.Popen(["/var/qmail/bin/qmail-queue"], stdin=mail[0], stdout=envelope[0])
os.write(mail[1], text.encode())
os.close(mail[1])
os.write(envelope[1], ("Fwww-data@host.example\\0" + "".join("T%s\\0" % r for r in to) + "\\0").encode())
os.close(envelope[1])
sys.exit(child.wait())
"""


class Traffic:
    def __init__(self):
        self.truth = open(CASE / "truth.jsonl", "w", encoding="utf-8")
        self.n = 0

    def token(self):
        self.n += 1
        return "t%06d" % self.n

    def tell(self, token, **fields):
        row = dict.fromkeys("token group mta channel account login client uid script script_line library "
                            "library_line sender recipients outcome subject queued note".split())
        row.update(token=token, mta="qmail", queued=True, **fields)
        row["outcome"] = {r: OUTCOME.get(r.rsplit("@", 1)[1].split(".")[0], "sent")
                          for r in row["recipients"]}
        row["time"] = round(time.time(), 3)
        self.truth.write(json.dumps(row) + "\n")
        self.truth.flush()

    def submit(self, uid, sender, recipients):
        mail, envelope = os.pipe(), os.pipe()
        with subprocess.Popen(["/var/qmail/bin/qmail-queue"], stdin=mail[0], stdout=envelope[0],
                              user=uid, group=uid, extra_groups=[]) as child:
            os.close(mail[0])
            os.close(envelope[0])
            os.write(mail[1], b"From: a@host.example\nSubject: a mail\n\nhello\n" * random.randrange(1, 9))
            os.close(mail[1])
            os.write(envelope[1], ("F%s\0%s\0" % (sender, "".join("T%s\0" % r for r in recipients)))
                     .encode("latin1"))
            os.close(envelope[1])
        if child.returncode:
            raise RuntimeError("qmail-queue: %d" % child.returncode)

    def local(self, domains, sender=None, local=None):
        name = random.choice(sorted(PEOPLE))
        token = self.token()
        sender = sender or "%s@host.example" % name
        to = ["%s@%s" % (token if n == 0 else "%s-%d" % (token, n), d) for n, d in enumerate(domains)]
        to += ["%s-%s@host.example" % (local, token)] if local else []
        self.tell(token, channel="local", account=name, uid=PEOPLE[name], sender=sender, recipients=to)
        self.submit(PEOPLE[name], sender, to)

    def relayed(self):
        token = self.token()
        to = [token + "@dest.example"]
        self.tell(token, channel="smtp", account=None, uid=64011, sender="info@shop.example",
                  recipients=to, note="by qmail-smtpd's user: whose it was no log says")
        self.submit(64011, "info@shop.example", to)

    def inbound(self, to, sender="stranger@dest.example"):
        token = self.token()
        self.tell(token, channel="inbound", account=None, uid=64011, sender=sender, recipients=[to])
        self.submit(64011, sender, [to])

    def php(self, user, owner, name):
        token = self.token()
        script = "/home/%s/public_html/%s.php" % (owner, name)
        log = "/home/alice/logs/php-mail.log" if user == PEOPLE["alice"] else "/var/log/php-mail-www.log"
        to = token + "@" + random.choice(("dest.example", "dest2.example", "nouser.example"))
        self.tell(token, channel="php", account=owner, uid=user, script=script, script_line=2,
                  recipients=[to], subject="Contact form")
        write(pathlib.Path(script), "<?php\nmail($argv[1], 'Contact form', 'hello');\n")
        pathlib.Path(log).parent.mkdir(parents=True, exist_ok=True)
        if not pathlib.Path(log).exists():
            write(pathlib.Path(log), "", user)
        subprocess.run(["php", "-d", "mail.log=" + log, "-d", "date.timezone=UTC", "-d",
                        "sendmail_path=/var/sendmail -t -i", script, to],
                       check=True, user=user, group=user, extra_groups=[])


def first_hour(t):
    for _ in range(12):
        t.local(["dest.example"])
        t.local(["dest.example", "nouser.example"])
        t.local(["dest2.example"], local="bob")
        t.relayed()
        t.php(33, random.choice(("alice", "bob", "carol")), random.choice(("contact", "order")))
        t.php(PEOPLE["alice"], "alice", "news")
    for domain in ("spamtrap", "grey", "busy", "down", "later"):
        t.local([domain + ".example"])
    t.inbound("info@shop.example")
    t.inbound("odd@shop.example")
    t.inbound("nosuch@host.example", "nobody@nouser.example")
    for sender in ('a b<c>"%@host.example', "x> qp 1 uid 5102@host.example", "x\nend msg 1@host.example",
                   "owner-list-@host.example-@[]"):
        t.local(["dest.example", "dest2.example"], sender=sender)


SETTINGS = """hostname: host.example
sources:
  - {path: logs/alice/php-mail.log, format: php, trust: tenant, account: alice}
  - {path: logs/current, format: auto, trust: system, timezone: UTC}
  - {path: logs/php-mail-www.log, format: php, trust: system}
accounts:
  passwd: passwd
  maps: [ {path: domains.map, format: domains} ]
  shared: [www-data, qmaild, qmails, alias]
  homes: ["/home/*/"]
store: all
"""


def keep(log):
    (CASE / "logs/alice").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(log, CASE / "logs/current")
    shutil.copyfile("/var/log/php-mail-www.log", CASE / "logs/php-mail-www.log")
    shutil.copyfile("/home/alice/logs/php-mail.log", CASE / "logs/alice/php-mail.log")
    (CASE / "mailaudit.yaml").write_text(SETTINGS)
    (CASE / "passwd").write_text("www-data:x:33:33::/var/www:/bin/false\n" + passwd())
    (CASE / "domains.map").write_text("shop.example: carol\n")
    shutil.rmtree(CASE / "queue")


def wait_for(what, log, seconds=30):
    end = time.monotonic() + seconds
    while not re.search(what, log.read_text()):
        if time.monotonic() > end:
            raise RuntimeError("waited in vain for " + what)
        time.sleep(0.05)


def main():
    mounts()
    install()
    configure()
    serve()
    write(pathlib.Path("/var/sendmail"), SENDMAIL, mode=0o755)
    pathlib.Path("/var/log").mkdir()
    multilog = subprocess.Popen(["multilog", "t", "s999999", "/var/log/qmail"], stdin=subprocess.PIPE)
    daemons, t, log = Daemons(multilog.stdin.fileno()), Traffic(), pathlib.Path("/var/log/qmail/current")
    daemons.start()
    first_hour(t)
    time.sleep(2)
    t.local(["slow.example"])
    wait_for(r"starting delivery \d+: msg \d+ to remote t\d+@slow", log)
    daemons.stop(signal.SIGKILL)  # nobody learns what became of what was under way
    later_accepts.set()
    time.sleep(4)
    daemons.start()
    for _ in range(6):
        t.local(["dest.example"])
    time.sleep(1)
    os.kill(daemons.send, signal.SIGALRM)  # all that was deferred is tried again
    time.sleep(2)
    daemons.stop(signal.SIGTERM)
    write(HOME / "control/queuelifetime", "1\n")
    time.sleep(2)
    daemons.start()
    time.sleep(1)
    os.kill(daemons.send, signal.SIGALRM)
    time.sleep(3)
    daemons.stop(signal.SIGTERM)
    multilog.stdin.close()
    multilog.wait()
    keep(log)


main()

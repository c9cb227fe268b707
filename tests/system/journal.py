#!/usr/bin/env python3
"""journal.py BUILD_DIR: a real journald, followed and imported.

In mounts of its own, so that no journal of this machine is touched. Lines are sent to journald as
programs do: datagrams to its sockets, which it stamps with what the kernel says of the sender.
"""
import glob
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

JOURNALD = "/lib/systemd/systemd-journald"
REMOTE = "/lib/systemd/systemd-journal-remote"
INSIDE = "MAILAUDIT_JOURNAL_TEST"
POSTFIX_UID = 104
PROGRAMS = "/usr/local/lib"
BUILD = None
SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def wait_for(what, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        got = what()
        if got:
            return got
        time.sleep(0.05)
    raise AssertionError("did not happen within %d s: %s" % (seconds, what))


class Journald:
    """journald with its files in /var/log/journal, or, without that, in /run."""

    def __init__(self, **settings):
        shutil.rmtree("/run/systemd/journal", ignore_errors=True)
        for place in ("/run/log/journal", "/var/log/journal"):
            shutil.rmtree(place, ignore_errors=True)
        os.makedirs("/run/systemd/journal")
        os.makedirs("/run/log/journal")
        os.makedirs("/var/log/journal")
        os.makedirs("/run/systemd/journald.conf.d", exist_ok=True)
        settings = {"Storage": "persistent", "RateLimitBurst": "0", "RateLimitIntervalSec": "0",
                    "ForwardToSyslog": "no", "ReadKMsg": "no", **settings}
        with open("/run/systemd/journald.conf.d/test.conf", "w", encoding="ascii") as f:
            f.write("[Journal]\n" + "".join("%s=%s\n" % i for i in settings.items()))
        self.start()

    def start(self):
        for name in ("socket", "dev-log", "stdout"):
            if os.path.exists("/run/systemd/journal/" + name):
                os.unlink("/run/systemd/journal/" + name)
        self.process = subprocess.Popen([JOURNALD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists("/run/systemd/journal/socket"))
        # It makes its sockets first; a signal that it does not yet block would end it.
        wait_for(lambda: self.blocks(signal.SIGUSR1))
        self.process.send_signal(signal.SIGUSR1)  # from /run to /var
        wait_for(lambda: [f.startswith("/var/") for f in self.journals()] == [True])

    def journals(self):
        """The files it writes to."""
        links = []
        for fd in os.scandir("/proc/%d/fd" % self.process.pid):
            try:
                links.append(os.readlink(fd.path))
            except FileNotFoundError:  # closed since
                pass
        return [link for link in links if link.endswith(".journal")]

    def blocks(self, number):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as f:
            mask, = (line.split()[1] for line in f if line.startswith("SigBlk:"))
        return int(mask, 16) >> (number - 1) & 1

    @staticmethod
    def sync():
        """All that was sent is in the files; journalctl waits for it."""
        subprocess.run(["journalctl", "--sync"], check=True)

    def rotate(self):
        """What was sent is in files that are closed, what comes is in a new one."""
        self.sync()
        subprocess.run(["journalctl", "--rotate"], check=True)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def as_user(uid, function):
    """Runs it in a process of this uid."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            function()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def native(**fields):
    """sd_journal_send(), with values of any bytes."""
    data = b""
    for name, value in fields.items():
        value = value if isinstance(value, bytes) else str(value).encode()
        data += name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(data, "/run/systemd/journal/socket")


def send(ident, *messages, uid=0, **more):
    """By python, whatever it calls itself."""
    def say():
        for message in messages:
            native(**{"SYSLOG_IDENTIFIER": ident, "SYSLOG_FACILITY": 2, "PRIORITY": 6, "MESSAGE": message, **more})
    as_user(uid, say)


def mail(n, sender="alice"):
    """The lines of one mail through Postfix."""
    queue_id = "4F%08X" % n
    return [("pickup", "%s: uid=5101 from=<%s>" % (queue_id, sender)),
            ("cleanup", "%s: message-id=<%d@host.example>" % (queue_id, n)),
            ("qmgr", "%s: from=<%s@host.example>, size=400, nrcpt=1 (queue active)" % (queue_id, sender)),
            ("smtp", "%s: to=<r%d@remote.example>, relay=mx.remote.example[192.0.2.1]:25, delay=0.1, "
             "delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok)" % (queue_id, n)),
            ("qmgr", "%s: removed" % queue_id)]


def program(name):
    """logger(1) under the name of one of Postfix's programs, where programs lie."""
    path = os.path.join(PROGRAMS, name)
    if not os.path.exists(path):
        shutil.copy(shutil.which("logger"), path)
    return path


def log(name, ident, text, uid, facility="mail"):
    """As the program of this name does it, through syslog(3); it lives until journald has seen it."""
    with subprocess.Popen([program(name), "-u", "/run/systemd/journal/dev-log", "-p", facility + ".info",
                           "-t", ident, "-i"], user=uid, group=uid, extra_groups=[],
                          stdin=subprocess.PIPE) as process:
        process.stdin.write(text.encode() + b"\n")
        process.stdin.flush()
        wait_for(lambda: text in subprocess.run(
            ["journalctl", "--output=cat", "_PID=%d" % process.pid], capture_output=True, text=True, check=True).stdout)


def send_mails(numbers):
    for n in numbers:
        for name, text in mail(n):
            subprocess.run([program(name), "-u", "/run/systemd/journal/dev-log", "-p", "mail.info",
                            "-t", "postfix/" + name, "-i", "--", text], user=POSTFIX_UID, group=POSTFIX_UID,
                           extra_groups=[], check=True)


class Case(unittest.TestCase):
    maxDiff = None
    settings = {}

    def setUp(self):
        self.journald = Journald(**self.settings)
        self.addCleanup(self.journald.stop)
        self.dir = tempfile.mkdtemp(prefix="mailaudit-journal-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.daemon = None
        self.addCleanup(self.kill)

    def path(self, name):
        return os.path.join(self.dir, name)

    def config(self, name="mailaudit"):
        with open(self.path(name + ".yaml"), "w", encoding="ascii") as f:
            f.write("database: %s.db\nsources:\n  - {path: /var/log/journal, format: journal}\n"
                    "accounts:\n  passwd: passwd\n" % name)
        with open(self.path("passwd"), "w", encoding="ascii") as f:
            f.write("alice:x:5101:5101::/home/alice:/bin/sh\nbob:x:5102:5102::/home/bob:/bin/sh\n"
                    "www-data:x:33:33::/var/www:/bin/sh\n")
        return self.path(name + ".yaml")

    def start(self):
        self.daemon = subprocess.Popen([os.path.join(BUILD, "mailauditd"), "--config", self.config(), "--foreground"],
                                       stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def kill(self, number=signal.SIGKILL):
        if self.daemon:
            self.daemon.send_signal(number)
            self.daemon.wait()
            self.daemon = None

    def ask(self, *args, name="mailaudit"):
        config = self.path(name + ".yaml")
        done = subprocess.run([os.path.join(BUILD, "mailaudit"), "--config", config, *args, "--format", "jsonl"],
                              capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines() if line]

    def status(self, name="mailaudit"):
        return self.ask("status", name=name)[0]

    def counts(self, name="mailaudit"):
        """(0, 0, 0) while there is no database."""
        if not os.path.exists(self.path(name + ".db")):
            return 0, 0, 0
        try:
            s = self.status(name)
        except AssertionError:
            return 0, 0, 0
        return s["messages"], s["recipients"], s["lines"]

    def messages(self, name="mailaudit"):
        return sorted((m["queue_id"], m["account"], m["via"]) for m in
                      self.ask("messages", "--since", "1d", "--limit", "100000", name=name))

    def run_import(self, *files, name="imported"):
        self.config(name)
        done = subprocess.run([os.path.join(BUILD, "mailaudit"), "--config", self.path(name + ".yaml"), "import", *files],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def journalctl(self, out, *args):
        with open(self.path(out), "wb") as f:
            subprocess.run(["journalctl", "--quiet", "--no-pager", *args], stdout=f, check=True)
        return self.path(out)


class Follow(Case):
    def test_lines(self):
        send_mails(range(3))
        send("unrelated", "nothing about mail", SYSLOG_FACILITY=3)
        self.start()
        wait_for(lambda: self.counts()[0] == 3)
        send_mails(range(3, 5))
        wait_for(lambda: self.counts()[0] == 5)
        self.assertEqual(self.messages(), [("4F%08X" % n, "alice", "uid") for n in range(5)])
        status = self.status()
        self.assertEqual(status["unknown"], 0, status["unknown_lines"])
        self.assertEqual(status["losses"], [])

    def test_php(self):
        send("php", "mail() on [/home/alice/x.php:7]: To: a@remote.example -- Headers: \nBcc: b@x", uid=5101)
        self.start()
        row, = wait_for(lambda: self.counts()[2] and self.ask("php"))
        self.assertEqual(row["script"], "/home/alice/x.php")

    def test_php_of_somebody_else(self):
        """Whose process says so is vouched for; the path is what it says."""
        text = "mail() on [/home/bob/x.php:%d]: To: a@remote.example -- Headers: "
        send("php", text % 1, uid=5101)
        send("ool/www", text % 2, uid=5102)
        send("php", text % 3, uid=33)  # a user of many sites
        pool = '[30-Nov-2026 19:53:39] WARNING: [pool bob] child 5 said into stderr: "%s"'
        send("php-fpm8.2", pool % (text % 4), uid=5101)
        self.start()
        wait_for(lambda: self.counts()[2] >= 4)
        self.assertEqual({(r["line"], r["account"]) for r in self.ask("php")},
                         {(1, "alice"), (2, "bob"), (3, "bob"), (4, "alice")})

    def test_logins(self):
        """Who came in is believed when the server says so, and nobody else."""
        accepted = "Accepted password for alice from 203.0.113.7 port 43997 ssh2"
        log("sshd", "sshd", accepted, 0, "auth")
        log("sshd-session", "sshd-session", accepted, 0, "auth")
        log("vsftpd", "vsftpd", '[alice] OK LOGIN: Client "203.0.113.7"', 0, "ftp")
        log("sftp-server", "sftp-server", 'close "/home/bob/a.php" bytes read 0 written 35', 5101, "auth")
        os.makedirs(PROGRAMS + "/dovecot", exist_ok=True)
        log("dovecot/log", "dovecot", "imap-login: Login: user=<alice>, method=PLAIN, rip=203.0.113.7, "
            "lip=192.0.2.1, mpid=9, TLS, session=<x>", 0)
        log("cron", "cron", "nothing to us", 0, "cron")
        good = 5
        for ident in ("sshd", "sshd-session", "vsftpd", "dovecot", "exim4", "sm-mta", "sendmail"):
            log("logger", ident, accepted, 33, "auth")
            log("logger", ident, accepted, 5101, "auth")
        send("sshd", accepted, uid=5101)
        self.start()
        wait_for(lambda: self.counts()[2] >= good + 15)
        self.assertEqual(self.counts()[2], good + 15)
        status = self.status()
        self.assertEqual(status["parsed"], good)
        self.assertEqual(status["unknown"], 15, status["unknown_lines"])

    def test_lag(self):
        """What waits is counted in entries about mail, and how old it is told."""
        def lag():
            source, = self.status()["sources"]
            return source["lag_bytes"], source["lag_entries"], source["lag_seconds"]

        send_mails([0])
        self.start()
        wait_for(lambda: self.counts()[0] == 1 and lag() == (None, 0, 0))
        self.kill(signal.SIGTERM)
        send("cron", "nothing to us", SYSLOG_FACILITY=9)
        self.journald.sync()
        self.assertEqual(lag(), (None, 0, 0))
        send_mails([1, 2])
        self.journald.sync()
        left, entries, seconds = lag()
        self.assertEqual((left, entries), (None, 10))
        self.assertGreaterEqual(seconds, 0)
        metrics = subprocess.run([os.path.join(BUILD, "mailaudit"), "--config", self.path("mailaudit.yaml"), "metrics"],
                                 capture_output=True, text=True, check=True).stdout
        self.assertIn('\nmailaudit_source_lag_entries{source="/var/log/journal"} 10\n', metrics)
        # Gone is what was read last: whether something waits is known, that nothing does is not.
        self.journald.rotate()
        subprocess.run(["journalctl", "--quiet", "--vacuum-files=1"], check=True, capture_output=True)
        self.assertEqual(lag(), (None, None, None))
        send_mails([3])
        self.journald.sync()
        self.assertEqual(lag()[1], 5)

    def test_files_of_users(self):
        """journald keeps what users say in files of theirs, each with an id of its own."""
        self.start()
        for n in range(3):
            for uid in (5101, 5102):
                send("php", "mail() on [/home/alice/x%d.php:7]: To: a@remote.example -- Headers: " % n, uid=uid)
            send_mails([n])
            wait_for(lambda n=n: self.counts()[2] == 7 * (n + 1))
            if n == 0:
                self.kill(signal.SIGTERM)
                self.start()
        self.kill(signal.SIGTERM)
        self.assertEqual(len(os.listdir(glob.glob("/var/log/journal/*")[0])), 3)
        self.journald.sync()
        counts = self.counts()
        self.run_import(self.journalctl("export", "-o", "export"), name="mailaudit")
        self.assertEqual(self.counts(), counts, "imported what was followed")

    def test_forged(self):
        """What names itself a mail server and is none counts as not understood."""
        text = mail(1)[0][1]
        send("postfix/pickup", text, uid=5101)  # a person
        send("postfix/pickup", text, uid=33)  # a site, by its process
        send("smtpd", "1111111111111111 smtp message msgid=aaaaaaaa size=1 nrcpt=1 proto=ESMTP", uid=33)
        send("postfix/pickup[1]: x", text, uid=5101)
        send("x cred(pid=1,uid=0,exe=) postfix/pickup", text, uid=5101)
        send("rsyslogd", "imjournal: 5 messages lost due to rate-limiting (1 allowed within 600 seconds)", uid=5101)
        send("systemd-journald", "Suppressed 5 messages from postfix@-.service", uid=5101)
        native_fields = {"SYSLOG_IDENTIFIER": "postfix/pickup", "_UID": "0", "SYSLOG_FACILITY": "2", "MESSAGE": text}
        as_user(5101, lambda: native(**native_fields))
        self.start()
        wait_for(lambda: self.counts()[2] >= 8)
        status = self.status()
        self.assertEqual(status["messages"], 0)
        self.assertEqual(status["losses"], [])
        self.assertEqual(status["unknown"], status["lines"])

    def test_odd_bytes(self):
        send("postfix/smtpd", b"a\0b\nNov 23 06:43:13 host postfix/pickup[1]: 4j1: uid=0 from=<x>\x1b[31m\xff" + b"z" * 200000,
             uid=POSTFIX_UID)
        send_mails([1])
        self.start()
        wait_for(lambda: self.counts()[0] == 1)
        sample = [u["sample"] for u in self.status()["unknown_lines"]]
        self.assertEqual(len(sample), 1)
        self.assertIn("a#000b#012Nov 23", sample[0])

    def test_killed_rotated_and_killed(self):
        """Nothing lost, nothing doubled; and an import says the same."""
        n = 0
        for turn in range(12):
            self.start()
            for _ in range(4):
                send_mails(range(n, n + 5))
                n += 5
                if turn % 3 == 1:
                    self.journald.rotate()
            if turn % 2:
                time.sleep(0.05 * turn)
            self.kill()
        self.start()
        wait_for(lambda: self.counts()[0] >= n, 60)
        self.kill(signal.SIGTERM)
        self.assertEqual(self.counts(), (n, n, 5 * n))
        self.assertEqual(self.status()["losses"], [])
        self.run_import("/var/log/journal")
        self.assertEqual(self.messages("imported"), self.messages())
        self.assertEqual(self.counts("imported"), self.counts())
        self.run_import("/var/log/journal", name="mailaudit")
        self.assertEqual(self.counts(), (n, n, 5 * n))

    def test_stop_of_journald(self):
        self.start()
        send_mails([0])
        wait_for(lambda: self.counts()[0] == 1)
        self.journald.stop()
        self.journald.start()
        send_mails([1])
        wait_for(lambda: self.counts()[0] == 2)

    def test_vacuum(self):
        """Entries that are gone before they were read are a gap that is told."""
        send_mails(range(2))
        self.start()
        wait_for(lambda: self.counts()[0] == 2)
        self.kill()
        send_mails(range(2, 5))
        self.journald.rotate()
        send_mails(range(5, 7))
        self.journald.sync()
        subprocess.run(["journalctl", "--quiet", "--vacuum-files=1"], check=True, capture_output=True)
        self.start()
        wait_for(lambda: self.counts()[0] == 4)
        loss, = wait_for(lambda: self.status()["losses"])
        self.assertEqual((loss["reporter"], loss["lines"]), ("mailaudit", None))
        self.assertLess(loss["first"], loss["last"])

    def test_vacuum_of_what_was_read(self):
        send_mails(range(2))
        self.start()
        wait_for(lambda: self.counts()[0] == 2)
        self.journald.rotate()
        subprocess.run(["journalctl", "--quiet", "--vacuum-files=1"], check=True, capture_output=True)
        send_mails(range(2, 4))
        wait_for(lambda: self.counts()[0] == 4)
        self.kill()
        self.start()
        send_mails(range(4, 5))
        wait_for(lambda: self.counts()[0] == 5)
        self.assertEqual(self.status()["losses"], [])


class Fpm(Case):
    """php-fpm whose standard error is the journal, as systemd starts a service."""
    site = "/home/alice/www"

    def setUp(self):
        self.fpm = (glob.glob("/usr/sbin/php-fpm*") or [None])[0]
        if not self.fpm:
            self.skipTest("no php-fpm")
        super().setUp()
        os.makedirs(self.site, exist_ok=True)

    def serve(self, pool, decorate, script):
        """Runs the script in a worker of this pool, whose standard error is caught."""
        with open(self.site + "/form.php", "w", encoding="ascii") as f:
            f.write("<?php\n" + script)
        with open("/run/fpm.conf", "w", encoding="ascii") as f:
            f.write("[global]\nerror_log = /run/fpm.log\n[%s]\nuser = nobody\ngroup = nogroup\n"
                    "listen = /run/fpm.sock\npm = static\npm.max_children = 1\ncatch_workers_output = yes\n"
                    "decorate_workers_output = %s\nphp_admin_value[mail.log] = php://stderr\n"
                    "php_admin_value[sendmail_path] = /bin/true\n" % (pool, decorate))
        master = subprocess.Popen(["systemd-cat", "-t", "php-fpm8.2", self.fpm, "-F", "-O", "-y", "/run/fpm.conf"])
        try:
            wait_for(lambda: os.path.exists("/run/fpm.sock"))
            self.get()
        finally:
            master.terminate()
            master.wait()
        if os.path.exists("/run/fpm.sock"):
            os.unlink("/run/fpm.sock")

    def get(self):
        """A FastCGI request, to its end."""
        def record(kind, data):
            return struct.pack(">BBHHBx", 1, kind, 1, len(data), 0) + data
        params = {"SCRIPT_FILENAME": self.site + "/form.php", "REQUEST_METHOD": "GET"}
        pairs = b"".join(bytes([len(k), len(v)]) + (k + v).encode() for k, v in params.items())
        with socket.socket(socket.AF_UNIX) as s:
            s.connect("/run/fpm.sock")
            s.sendall(record(1, struct.pack(">HB5x", 1, 0)) + record(4, pairs) + record(4, b"") + record(5, b""))
            while s.recv(65536):
                pass

    def test_pools(self):
        mail_and_forge = (
            'mail("a@remote.example", "s", "b", "X-Long: " . str_repeat("0123456789 ", 150));\n'
            'fwrite(fopen("php://stderr", "w"), "mail() on [/home/bob/x.php:1]: To: v@remote.example -- Headers: \\n");\n'
            'fwrite(fopen("php://stderr", "w"), "[30-Nov-2026 19:53:39] WARNING: [pool bob] child 5 said into stderr: '
            '\\"mail() on [/home/bob/x.php:2]: To: v@remote.example -- Headers: \\"\\n");\n')
        self.serve("alice", "yes", mail_and_forge)
        self.serve("elsewhere", "yes", mail_and_forge)
        self.serve("alice", "no", 'mail("a@remote.example", "s", "b");')
        self.journald.sync()
        self.start()
        # Of what was forged twice over nothing is a call; without the pool nobody is known.
        wait_for(lambda: self.counts()[2] >= 7)
        rows = [(r["script"], r["account"]) for r in self.ask("php")]
        own, other = self.site + "/form.php", "/home/bob/x.php"
        self.assertEqual(sorted(rows, key=str), sorted(
            [(own, "alice"), (other, "alice"), (own, None), (other, None)], key=str))


class Import(Case):
    def test_every_form_is_the_same(self):
        send_mails(range(30))
        send("postfix/smtpd", b"\xff\n", uid=POSTFIX_UID)
        self.journald.rotate()
        send_mails(range(30, 60))
        self.journald.sync()
        self.run_import("/var/log/journal")
        want, counts = self.messages("imported"), self.counts("imported")
        self.assertEqual(len(want), 60)
        files = sorted(os.path.join(d, f) for d, _, fs in os.walk("/var/log/journal") for f in fs)
        self.assertGreater(len(files), 1)
        forms = {"files": files, "export": [self.journalctl("export", "-o", "export")],
                 "json": [self.journalctl("json", "-o", "json", "-a")]}
        subprocess.run(["gzip", "-k", self.path("export")], check=True)
        forms["gz"] = [self.path("export.gz")]
        if os.access(REMOTE, os.X_OK):
            subprocess.run([REMOTE, "-o", self.path("remote.journal"), self.path("export")], check=True,
                           capture_output=True)
            forms["remote"] = [self.path("remote.journal")]
        for form, paths in forms.items():
            with self.subTest(form=form):
                self.run_import(*paths, name=form)
                self.assertEqual(self.messages(form), want)
                self.assertEqual(self.counts(form), counts)
                self.run_import(*paths, name=form)
                self.assertEqual(self.counts(form), counts, "imported twice")
        for form in ("export", "json", "files"):
            with self.subTest(after=form):
                self.run_import(*forms[form], name="imported")
                self.assertEqual(self.counts("imported"), counts, "known by its numbers")


class RateLimit(Case):
    settings = {"RateLimitBurst": "20", "RateLimitIntervalSec": "2s"}

    def service(self, name):
        """A control group such as systemd makes for a service; journald throttles those only."""
        for root in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup"):
            if os.path.exists(root + "/cgroup.procs"):
                break
        group = root + "/system.slice/" + name
        try:
            os.makedirs(group, exist_ok=True)
        except OSError as e:
            self.skipTest("no control groups here: %s" % e)
        self.addCleanup(wait_for, lambda: self.remove(group))
        return group + "/cgroup.procs"

    @staticmethod
    def remove(group):
        """The kernel is not done with it as soon as its last process is gone."""
        try:
            os.rmdir(group)
        except OSError:
            return False
        return True

    def test_suppressed(self):
        # Control groups are the machine's: another run has another instance.
        procs = self.service("postfix@-%d.service" % os.getpid())

        def flood():
            for n in range(200):
                native(SYSLOG_IDENTIFIER="postfix/smtpd", SYSLOG_FACILITY=2, MESSAGE="connect from x[192.0.2.%d]" % n)
            time.sleep(2.5)
            native(SYSLOG_IDENTIFIER="postfix/smtpd", SYSLOG_FACILITY=2, MESSAGE="connect from x[192.0.2.1]")

        def in_service():
            with open(procs, "w", encoding="ascii") as f:
                f.write(str(os.getpid()))
            flood()
        as_user(0, in_service)
        self.journald.sync()
        self.start()
        loss, = wait_for(lambda: self.counts()[2] and self.status()["losses"])
        self.assertEqual(loss["reporter"], "systemd-journald")
        self.assertGreater(loss["lines"], 50)
        self.assertLess(loss["first"], loss["last"])


class Discover(Case):
    def test_journal_is_found(self):
        send_mails([0])
        done = subprocess.run([os.path.join(BUILD, "mailauditd"), "--discover"], capture_output=True, text=True, check=False)
        if re.search(r"path: .*/(mail\.log|maillog|main\.?log)", done.stdout):
            self.assertNotIn("journal", done.stdout)
            self.skipTest("this machine has a mail log")
        self.assertIn('  - path: "/var/log/journal"\n    format: journal\n', done.stdout)


SET_UP = """
set -e
mount --make-rprivate /
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mount -t tmpfs none /usr/local/lib
mount -t tmpfs none /home
printf '%032d\\n' 7 >/run/machine-id
mount --bind /run/machine-id /etc/machine-id
exec "$@"
"""


def main():
    global BUILD
    if len(sys.argv) < 2:
        sys.exit(64)
    BUILD = os.path.abspath(sys.argv[1])
    if not os.access(JOURNALD, os.X_OK) or not shutil.which("journalctl") or not os.path.exists("/etc/machine-id"):
        print("skip: no systemd-journald")
        sys.exit(77)
    if os.geteuid() or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        print("skip: no mount namespaces here")
        sys.exit(77)
    if "-systemd" in subprocess.run([os.path.join(BUILD, "mailaudit"), "--version"], capture_output=True,
                                    text=True, check=False).stdout:
        print("skip: built without libsystemd")
        sys.exit(77)
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-m", "sh", "-c", SET_UP, "-", sys.executable, *sys.argv])
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])


if __name__ == "__main__":
    main()

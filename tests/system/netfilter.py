#!/usr/bin/env python3
"""netfilter.py BUILD_DIR: programs that speak SMTP past the mail server, by the kernel's own lines.

In a network and mounts of its own: processes of customers really connect to servers in many
networks, the firewall rules of etc/snippets log them, and the kernel's lines come by rsyslog,
journald or ulogd2 to mailauditd. A customer's mailer is found; the mail server, a plugin with a
provider's server and a monitor are not; a line in the kernel's name that a user wrote accuses
nobody.
"""
import encodings.idna  # noqa: F401  here, since a customer's process may not read it
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import journal  # noqa: E402
from journal import Journald, as_user, wait_for  # noqa: E402

INSIDE = "MAILAUDIT_NETFILTER_TEST"
SWITCH = "/proc/sys/net/netfilter/nf_log_all_netns"
SNIPPETS = os.path.join(journal.SOURCE, "etc/snippets")
# The kernel tells again what it logged before, to whom asks: each test has users of its own.
USERS = ("postfix", "alice", "bob", "carol", "dave")
FIRST_UID = 100000 + int(time.time() * 10) % 100000 * 10000
NETWORKS = ["10.%d.0.25" % n for n in range(1, 9)]
PROVIDER = "10.50.0.1"
LINE = ("mailaudit-smtp: IN= OUT=eth0 SRC=192.0.2.10 DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP "
        "SPT=4000 DPT=25 WINDOW=64240 RES=0x00 SYN URGP=0 UID=%d GID=%d ")


def run(*argv, **more):
    return subprocess.run(argv, check=True, capture_output=True, text=True, **more).stdout


def make_world():
    """A cable to another network namespace, which answers at every address of 10.0.0.0/8."""
    for command in ("ip link set lo up", "ip link add eth0 type veth peer name far", "ip netns add world",
                    "ip link set far netns world", "ip addr add 192.0.2.10/24 dev eth0", "ip link set eth0 up",
                    "ip addr add 2001:db8::10/64 dev eth0 nodad",
                    "ip -n world link set lo up", "ip -n world addr add 192.0.2.1/24 dev far",
                    "ip -n world addr add 2001:db8::1/64 dev far nodad", "ip -n world link set far up",
                    "ip -n world route add local 10.0.0.0/8 dev lo", "ip route add 10.0.0.0/8 via 192.0.2.1"):
        run(*command.split())
    server = ("import selectors, socket\n"
              "waits = selectors.DefaultSelector()\n"
              "for port in (25, 465, 587):\n"
              "    s = socket.create_server(('::', port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=100)\n"
              "    waits.register(s, selectors.EVENT_READ)\n"
              "print('ready', flush=True)\n"
              "while True:\n"
              "    for key, _ in waits.select():\n"
              "        key.fileobj.accept()[0].close()\n")
    world = subprocess.Popen(["ip", "netns", "exec", "world", sys.executable, "-c", server], stdout=subprocess.PIPE)
    world.stdout.readline()
    return world


def connect(uid, port, *addresses):
    """Opens connections as this user; ECONNREFUSED is an answer too."""
    def go():
        for address in addresses:
            try:
                socket.create_connection((address, port), 5).close()
            except ConnectionRefusedError:
                pass
    as_user(uid, go)


def nft(text):
    run("nft", "-f", "-", input=text)


def snippet(name, *changes):
    with open(os.path.join(SNIPPETS, name), encoding="ascii") as f:
        text = f.read()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


class Rsyslog:
    def __init__(self, folder):
        with open(folder + "/rsyslog.conf", "w", encoding="ascii") as f:
            f.write('module(load="imkmsg")\n'
                    'module(load="imuxsock" SysSock.Name="%s/devlog" SysSock.Annotate="on" SysSock.ParseTrusted="on")\n'
                    'template(name="vouched" type="string" string="%%TIMESTAMP:::date-rfc3339%% '
                    'cred(pid=%%$!pid%%,uid=%%$!uid%%,gid=%%$!gid%%) '
                    '%%syslogtag%%%%msg:::sp-if-no-1st-sp%%%%msg:::drop-last-lf%%\\n")\n'
                    'kern.* action(type="omfile" file="%s/kern.log")\n'
                    'kern.* action(type="omfile" file="%s/vouched.log" template="vouched")\n' % ((folder,) * 3))
        self.process = subprocess.Popen(["rsyslogd", "-n", "-f", folder + "/rsyslog.conf", "-i", folder + "/pid"])
        wait_for(lambda: os.path.exists(folder + "/devlog") and os.path.exists(folder + "/kern.log"))

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Case(journal.Case):
    """What journal.Case has, with rules, and sources that a test names."""
    settings = {"ReadKMsg": "yes"}
    tests = 0

    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        Case.tests += 1
        self.uid = {user: FIRST_UID + 10 * Case.tests + n for n, user in enumerate(USERS)}
        self.addCleanup(run, "nft", "flush", "ruleset")

    def config(self, name="mailaudit", path="/var/log/journal", form="journal"):
        with open(self.path(name + ".yaml"), "w", encoding="ascii") as f:
            f.write("database: %s.db\nsources:\n  - {path: %s, format: %s}\naccounts:\n  passwd: passwd\n"
                    % (name, path, form))
        with open(self.path("passwd"), "w", encoding="ascii") as f:
            for user, uid in {"root": 0, **self.uid}.items():
                f.write("%s:x:%d:%d::/home/%s:/bin/sh\n" % (user, uid, uid, user))
        return self.path(name + ".yaml")

    def follow(self, path, form):
        self.daemon = subprocess.Popen([os.path.join(journal.BUILD, "mailauditd"), "--config",
                                        self.config(path=path, form=form), "--foreground"],
                                       stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(self.path("mailaudit.db")))

    def everybody(self):
        """Alice's mailer, Bob's plugin and Carol's monitor; whoever logs, alice comes last."""
        connect(self.uid["bob"], 587, *[PROVIDER] * 10)
        connect(self.uid["carol"], 25, *[NETWORKS[0]] * 5)
        connect(self.uid["postfix"], 25, *NETWORKS)
        connect(0, 25, *NETWORKS)
        connect(self.uid["alice"], 25, *NETWORKS)

    def findings(self):
        """Those of this test's users, by account."""
        try:
            return {f["account"]: f for f in self.ask("findings") if f["account"] in USERS}
        except AssertionError:  # no database yet
            return {}

    def expect_alice(self):
        def all_of_it():
            found = self.findings()
            return "alice" in found and found["alice"]["messages"] == len(NETWORKS) and found
        found = wait_for(all_of_it)
        self.assertEqual(list(found), ["alice"])
        finding = found["alice"]
        self.assertEqual((finding["case"], finding["severity"]), ("3d", "critical"))
        self.assertIn("direct SMTP of alice past the mail server: 8 connections to 8 addresses", finding["summary"])
        self.assertIn("uid %d connected to port 25" % self.uid["alice"], " ".join(finding["evidence"]))
        self.assertIn(NETWORKS[-1], " ".join(finding["evidence"]))
        for account, smtp, submission in (("alice", 8, 0), ("bob", 0, 10), ("carol", 5, 0)):
            row, = self.ask("account", account)
            self.assertEqual((row["direct"]["smtp"], row["direct"]["submission"]), (smtp, submission), account)
        for account in ("postfix", "root"):
            self.assertEqual(self.ask("account", account), [])


class Snippets(Case):
    def setUp(self):
        super().setUp()
        self.rsyslog = Rsyslog(self.dir)
        self.addCleanup(self.rsyslog.stop)

    def logged(self, user):
        """How many connections of his the kernel logged."""
        with open(self.path("kern.log"), encoding="utf-8", errors="replace") as f:
            return sum("mailaudit-smtp: " in line and " UID=%d " % self.uid[user] in line for line in f)

    def test_nftables(self):
        text = snippet("nftables/mailaudit.nft", ("{ root }", "{ root, %d }" % self.uid["postfix"]))
        nft(text)
        nft(text)  # loaded again it is there once
        self.follow(self.path("kern.log"), "netfilter")
        self.everybody()
        self.expect_alice()
        self.assertEqual([self.logged(user) for user in USERS], [0, 8, 10, 5, 0])

    def test_iptables(self):
        """The mail server's uid is not left out here: mailaudit knows whose work it is."""
        run("iptables-restore", "--noflush", input=snippet("iptables/mailaudit.rules", ("30/minute", "1000/second"),
                                                            ("burst 30", "burst 1000")))
        self.follow(self.path("kern.log"), "netfilter")
        self.everybody()
        self.expect_alice()
        self.assertEqual(self.logged("postfix"), len(NETWORKS))

    def test_refused(self):
        """The lines that are comments in the snippets, on both."""
        def refused(port, address):
            with self.subTest(port=port, address=address):
                try:
                    socket.create_connection((address, port), 5).close()
                    return False
                except ConnectionRefusedError:
                    return True

        def go():
            assert refused(25, PROVIDER) and refused(25, "2001:db8::1")
            assert not refused(587, PROVIDER)

        nft(snippet("nftables/mailaudit.nft", ("#tcp dport", "tcp dport")))
        as_user(self.uid["dave"], go)
        run("nft", "flush", "ruleset")
        rules = snippet("iptables/mailaudit.rules", ("#-A MAILAUDIT_SMTP -p tcp --dport", "-A MAILAUDIT_SMTP -p tcp --dport"))
        for program in ("iptables-restore", "ip6tables-restore"):
            run(program, "--noflush", input=rules)
        as_user(self.uid["dave"], go)
        wait_for(lambda: self.logged("dave") == 6)

    def test_each_user_has_a_limit(self):
        nft(snippet("nftables/mailaudit.nft"))
        connect(self.uid["alice"], 25, *NETWORKS * 20)
        connect(self.uid["bob"], 25, PROVIDER)
        wait_for(lambda: self.logged("bob") == 1)
        self.assertIn(self.logged("alice"), range(20, 60))

    def test_forged(self):
        """Whoever writes to /dev/log in the kernel's name, where rsyslog vouches for its uid."""
        def forge():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                for address in NETWORKS:
                    text = LINE % (address, self.uid["carol"], self.uid["carol"])
                    s.sendto(("<4>%s kernel: %s" % (time.strftime("%b %d %H:%M:%S"), text)).encode(),
                             self.path("devlog"))
        self.follow(self.path("vouched.log"), "netfilter")
        as_user(self.uid["dave"], forge)
        as_user(0, forge)
        nft(snippet("nftables/mailaudit.nft"))
        self.everybody()
        wait_for(self.findings)
        self.assertEqual(list(self.findings()), ["alice"])
        self.assertGreaterEqual(self.status()["unknown"], 2 * len(NETWORKS))


class Journal(Case):
    def test_followed(self):
        nft(snippet("nftables/mailaudit.nft", ("{ root }", "{ root, %d }" % self.uid["postfix"])))
        self.follow("/var/log/journal", "journal")
        self.everybody()
        self.journald.sync()
        self.expect_alice()
        self.assertEqual(self.status()["losses"], [])

    def test_forged(self):
        """By syslog, and by fields of the kernel's names: journald has the uid, and no transport of the kernel's."""
        def forge():
            for address in NETWORKS:
                text = LINE % (address, self.uid["carol"], self.uid["carol"])
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                    s.sendto(("<20>%s kernel: %s" % (time.strftime("%b %d %H:%M:%S"), text)).encode(),
                             "/run/systemd/journal/dev-log")
                journal.native(SYSLOG_IDENTIFIER="kernel", SYSLOG_FACILITY=2, _TRANSPORT="kernel", MESSAGE=text)
        self.follow("/var/log/journal", "journal")
        as_user(self.uid["dave"], forge)
        as_user(0, forge)
        nft(snippet("nftables/mailaudit.nft", ("{ root }", "{ root, %d }" % self.uid["postfix"])))
        self.everybody()
        self.journald.sync()
        wait_for(self.findings)
        self.assertEqual(list(self.findings()), ["alice"])
        self.assertGreaterEqual(self.status()["unknown"], 4 * len(NETWORKS))


class Ulogd(Case):
    def test_logemu(self):
        with open(self.path("ulogd.conf"), "w", encoding="ascii") as f:
            f.write("[global]\nlogfile=\"%s\"\nstack=log1:NFLOG,base1:BASE,ifi1:IFINDEX,ip2str1:IP2STR,print1:PRINTPKT,"
                    "emu1:LOGEMU\n[log1]\ngroup=5\n[emu1]\nfile=\"%s\"\nsync=1\n"
                    % (self.path("ulogd.log"), self.path("syslogemu.log")))
        ulogd = subprocess.Popen(["ulogd", "-c", self.path("ulogd.conf")])
        self.addCleanup(ulogd.wait)
        self.addCleanup(ulogd.terminate)
        wait_for(lambda: os.path.exists(self.path("syslogemu.log")))
        nft(snippet("nftables/mailaudit.nft", ("{ root }", "{ root, %d }" % self.uid["postfix"]),
                    ("level info flags skuid", "group 5")))
        self.follow(self.path("syslogemu.log"), "netfilter")
        self.everybody()
        self.expect_alice()


class Doctor(unittest.TestCase):
    """Does it see the rules that are loaded, and those of files? Below a root it runs nothing."""

    def state(self, *options):
        done = subprocess.run([os.path.join(journal.BUILD, "mailaudit"), "doctor", "--format", "json", *options],
                              capture_output=True, text=True, check=False)
        row, = (row for row in json.loads(done.stdout) if row["check"] == "direct_smtp")
        return row["state"]

    def test_loaded(self):
        self.addCleanup(run, "nft", "flush", "ruleset")
        before = self.state()
        nft(snippet("nftables/mailaudit.nft"))
        self.assertEqual(self.state(), "seen")
        run("nft", "flush", "ruleset")
        self.assertEqual(self.state(), before)
        run("iptables-restore", "--noflush", input=snippet("iptables/mailaudit.rules"))
        self.assertEqual(self.state(), "seen")

    def test_files(self):
        csf = 'SMTP_BLOCK = "1"\nDROP_LOGGING = "1"\nDROP_OUT_LOGGING = "1"\nDROP_UID_LOGGING = "%d"\n'
        nft(snippet("nftables/mailaudit.nft"))
        self.addCleanup(run, "nft", "flush", "ruleset")
        for path, text, state in (("/etc/hosts", "", "not seen"),
                                  ("/etc/csf/csf.conf", csf % 1, "seen"),
                                  ("/etc/csf/csf.conf", csf % 0, "advice"),
                                  ("/etc/csf/csf.conf", csf.replace('K = "1"', 'K = "0"') % 1, "not seen"),
                                  ("/etc/nftables.conf", snippet("nftables/mailaudit.nft"), "seen"),
                                  ("/etc/nftables.conf", "tcp dport 25 meta skuid >= 1000 reject\n", "advice"),
                                  ("/etc/nftables.conf", "tcp dport 25 accept\nlog prefix \"x\"\n", "not seen"),
                                  ("/etc/iptables/rules.v6", snippet("iptables/mailaudit.rules"), "seen")):
            with self.subTest(path=path, state=state), tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
                os.makedirs(root + os.path.dirname(path))
                with open(root + path, "w", encoding="ascii") as f:
                    f.write(text)
                self.assertEqual(self.state("--root", root), state)


def why_not():
    if os.geteuid() or subprocess.run(["unshare", "-n", "-m", "true"], check=False, capture_output=True).returncode:
        return "no namespaces here"
    if not os.access(SWITCH, os.W_OK):
        return "this kernel does not log for other network namespaces"
    for program in ("nft", "iptables-restore", "ip", "rsyslogd", "ulogd", "journalctl", journal.JOURNALD):
        if not shutil.which(program):
            return "no " + program
    version = subprocess.run([os.path.join(journal.BUILD, "mailaudit"), "--version"], capture_output=True, text=True,
                             check=False).stdout
    return "built without libsystemd" if "-systemd" in version else None


def outside():
    """The kernel keeps silent about what other network namespaces log, unless it is told; then as it was."""
    with open(SWITCH, encoding="ascii") as f:
        was = f.read()
    try:
        with open(SWITCH, "w", encoding="ascii") as f:
            f.write("1")
        command = ["unshare", "-n", "-m", "sh", "-c", journal.SET_UP, "-", sys.executable, *sys.argv]
        return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode
    finally:
        with open(SWITCH, "w", encoding="ascii") as f:
            f.write(was)


def main():
    if len(sys.argv) < 2:
        sys.exit(64)
    journal.BUILD = os.path.abspath(sys.argv[1])
    if INSIDE not in os.environ:
        reason = why_not()
        if reason:
            print("skip:", reason)
            sys.exit(77)
        sys.exit(outside())
    world = make_world()
    try:
        unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]], exit=False)
    finally:
        world.terminate()
        world.wait()


if __name__ == "__main__":
    main()

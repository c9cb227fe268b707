"""What the follow_*.py tests share: the daemon, the lines, what a database says.

Lines are those of tests/replay/postfix-linked, repeated with other queue ids and later stamps.
"""
import datetime
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CASE = os.path.join(SOURCE, "tests", "replay", "postfix-linked")
STAMP = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})")
LETTERS = b"BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"


def say(*what):
    print(*what, flush=True)


def captured():
    """The lines of one real server's log."""
    with open(os.path.join(CASE, "logs", "mail.log"), "rb") as log:
        return log.readlines()


def lines(times):
    """The captured log `times` times over: every message another one, time going on."""
    base = captured()
    ids = {i for line in base for i in re.findall(rb"\b4j[0-9A-Za-z]{8,}\b", line)}
    pattern = re.compile(b"|".join(sorted(map(re.escape, ids), key=len, reverse=True)))
    out = []
    for n in range(times):
        mark = bytes([LETTERS[n // 42 % 42], LETTERS[n % 42]])
        later = datetime.timedelta(minutes=2 * n)
        for line in base:
            stamp = STAMP.match(line)
            when = datetime.datetime.fromisoformat(stamp[1].decode()) + later
            line = when.isoformat(timespec="microseconds").encode() + line[stamp.end():]
            out.append(pattern.sub(lambda m: m[0][:2] + mark + m[0][4:], line))
    return out


class Rig:
    """A directory, a configuration, and a daemon in it."""

    def __init__(self, build, sources="  - path: log\n", extra=""):
        self.mailauditd = os.path.join(os.path.abspath(build), "mailauditd")
        self.mailaudit = os.path.join(os.path.abspath(build), "mailaudit")
        self.dir = tempfile.mkdtemp(prefix="mailaudit-follow-")
        os.chmod(self.dir, 0o755)
        self.database = self.path("mailaudit.db")
        self.config = self.path("mailaudit.yaml")
        self.daemon = None
        shutil.copy(os.path.join(CASE, "passwd"), self.path("passwd"))
        self.configure(sources, extra)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.daemon and self.daemon.poll() is None:
            self.kill()
        if kind and os.environ.get("FOLLOW_KEEP"):
            say("kept:", self.dir)
            return
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *name):
        return os.path.join(self.dir, *name)

    def configure(self, sources, extra=""):
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("database: %s\nhostname: host.example\nsources:\n%s"
                      "accounts:\n  passwd: passwd\n%s" % (self.database, sources, extra))

    def start(self, *args, wait=True, **popen):
        env = dict(os.environ)
        if os.geteuid() != 0:  # what cannot be traced cannot be searched for leaks
            env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.log = open(self.path("stderr"), "ab")
        self.log_start = self.log.tell()
        self.daemon = subprocess.Popen([self.mailauditd, "-c", self.config, *args], env=env,
                                       stderr=self.log, **popen)
        if wait:
            self.wait_for(lambda: "following" in self.said(), "the daemon's start")
        return self.daemon

    def said(self):
        with open(self.path("stderr"), encoding="utf-8", errors="replace") as log:
            log.seek(self.log_start)
            return log.read()

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(timeout=60)
        if code != 0:
            raise AssertionError("exit code %d: %s" % (code, self.said()))

    def wait_for(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if self.daemon.poll() is not None:
                raise AssertionError("the daemon ended with %d:\n%s" %
                                     (self.daemon.returncode, self.said()))
            if time.monotonic() > end:
                raise AssertionError("waited in vain for %s; it said:\n%s" % (what, self.said()))
            time.sleep(0.01)

    def query(self, sql, *args):
        db = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True, timeout=10)
        db.text_factory = bytes
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()

    def stored_lines(self):
        """Lines the database says were read, of all sources."""
        try:
            return self.query("SELECT coalesce(sum(lines), 0) FROM source")[0][0]
        except sqlite3.OperationalError:
            return 0

    def wait_for_lines(self, count, seconds=20):
        """The counts of lines alone are committed within 5 seconds."""
        self.wait_for(lambda: self.stored_lines() >= count, "%d lines" % count, seconds)

    def dump(self):
        return dump(self.query)


MESSAGES = """
SELECT m.time, m.took, o.host, o.instance, m.queue_id, m.state, m.direction, m.channel,
       a.text, m.via, m.ambiguous, l.text, m.uid, c.ip, c.name, c.helo, s.text, m.sender_local,
       d.text, m.subject, m.message_id, m.size, m.parent_id, m.recipients, m.rcpt_dropped,
       m.aliases, p.queue_id,
       (SELECT group_concat(x, char(10)) FROM
         (SELECT r.n || ' ' || r.local || '@' || coalesce(rd.text, '') || ' '
                 || coalesce(r.orig_to, '') || ' ' || coalesce(r.status, '') || ' '
                 || coalesce(r.place, '') || ' ' || coalesce(r.dsn, '') || ' '
                 || coalesce(y.host || '[' || y.ip || ']', '') || ' ' || coalesce(t.text, '')
                 || ' ' || coalesce(r.delay, '') AS x
            FROM recipient r LEFT JOIN domain rd ON rd.id = r.domain
                 LEFT JOIN relay y ON y.id = r.relay LEFT JOIN response t ON t.id = r.response
           WHERE r.message = m.id ORDER BY r.n))
  FROM message m LEFT JOIN origin o ON o.id = m.origin LEFT JOIN account a ON a.id = m.account
       LEFT JOIN login l ON l.id = m.login LEFT JOIN client c ON c.id = m.client
       LEFT JOIN path s ON s.id = m.script LEFT JOIN domain d ON d.id = m.sender_domain
       LEFT JOIN message p ON p.id = m.parent
 ORDER BY m.time, m.queue_id, m.id"""

HOURLY = """
SELECT a.text, h.hour, h.messages, h.recipients, h.pending, h.deferred, h.bounced, h.expired,
       h.rejected
  FROM hourly h LEFT JOIN account a ON a.id = h.account ORDER BY 2, 1"""

INBOUND = """
SELECT d.text, i.hour, i.messages, i.recipients
  FROM inbound i LEFT JOIN domain d ON d.id = i.domain ORDER BY 2, 1"""

COUNTS = "SELECT sum(lines), sum(parsed), sum(unknown), sum(noise), sum(cut) FROM source"

UNKNOWN = """
SELECT program, shape, sum(lines), min(time), max(last) FROM unknown
 GROUP BY program, shape ORDER BY 1, 2"""


FINDINGS = """
SELECT s.key, f.time, f.first_seen, f.last_seen, f.closed, f.reopened, f.severity, f.verdict,
       o.host, a.text, l.text, p.text, f.script_line, f.score_volume, f.score_origin,
       f.score_delivery, f.score_injection, f.score_script, f.score_identity, f.messages,
       f.recipients, f.leaked_before, f.novel, f.results, f.unknown_users, f.spam_answers,
       f.summary, f.evidence, f.why, f.advice, f.sources, f.answers, f.queue_ids, f.subjects
  FROM finding f LEFT JOIN stream s ON s.id = f.stream LEFT JOIN origin o ON o.id = f.origin
       LEFT JOIN account a ON a.id = f.account LEFT JOIN login l ON l.id = f.login
       LEFT JOIN path p ON p.id = f.script
 ORDER BY f.time, f.id"""

STREAMS = """
SELECT s.key, s.last, hex(s.state), k.generation, k.chunk, hex(k.hashes)
  FROM stream s LEFT JOIN stream_known k ON k.stream = s.id
 ORDER BY s.key, k.generation, k.chunk"""


def dump(query):
    """All that a database says, without the numbers of its rows."""
    return {name: query(sql) for name, sql in
            (("messages", MESSAGES), ("hourly", HOURLY), ("inbound", INBOUND),
             ("counts", COUNTS), ("unknown", UNKNOWN), ("findings", FINDINGS), ("streams", STREAMS))}


def imported(build, all_lines):
    """What a database says after one uninterrupted import of these lines."""
    with Rig(build) as rig:
        with open(rig.path("log"), "wb") as out:
            out.writelines(all_lines)
        subprocess.run([rig.mailaudit, "--config", rig.config, "import", rig.path("log")],
                       check=True, stdout=subprocess.DEVNULL)
        return rig.dump()


def compare(got, want):
    """(lost, doubled, changed) messages, and whether all else is the same."""
    key = lambda row: (row[0], row[4])
    have, should = [key(r) for r in got["messages"]], [key(r) for r in want["messages"]]
    lost = len(set(should) - set(have))
    doubled = len(have) - len(set(have)) - (len(should) - len(set(should)))
    changed = sum(g != w for g, w in zip(got["messages"], want["messages"])) if not lost else 0
    rest = [name for name in want if name != "messages" and got[name] != want[name]]
    return lost, doubled, changed, rest


def check_same(got, want, what):
    lost, doubled, changed, rest = compare(got, want)
    if got != want:
        for g, w in zip(got["messages"], want["messages"]):
            if g != w:
                say("  got ", g)
                say("  want", w)
                break
        for name in rest:
            say("  %s: got %r\n  want %r" % (name, got[name][:20], want[name][:20]))
        raise AssertionError("%s: lost %d, doubled %d, changed %d, differing: %s" %
                             (what, lost, doubled, changed, ", ".join(rest) or "-"))


def main(tests):
    """Runs the functions, each with the build directory."""
    if len(sys.argv) < 2:
        sys.exit("usage: %s BUILD_DIR [TEST...]" % sys.argv[0])
    failed = 0
    for test in tests:
        if len(sys.argv) > 2 and test.__name__ not in sys.argv[2:]:
            continue
        try:
            note = test(sys.argv[1])
            say("ok   %s%s" % (test.__name__, ": " + note if note else ""))
        except AssertionError as error:
            failed += 1
            say("FAIL %s: %s" % (test.__name__, error))
    sys.exit(1 if failed else 0)

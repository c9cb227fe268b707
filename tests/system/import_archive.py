#!/usr/bin/env python3
"""import_archive.py BUILD_DIR: rotated, packed and archived logs, as the real tools make them.

Whatever a log was cut into and packed by, in whatever order it is named, and wherever SIGKILL
strikes, the database must say what one undisturbed import of the same lines says.
"""
import datetime
import fcntl
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

from follow_common import SOURCE, Rig, check_same, imported, lines, main

LINES = lines(8)
# A simulated one, whose logs make transactions of many parts.
HOST = ("--accounts", "80", "--days", "14", "--warmup", "5", "--seed", "7", "--attacks", "1",
        "--only", "3a,3b,4a")
PACKERS = (["gzip"], ["xz"], ["zstd", "-q", "--rm"], ["bzip2"])
SUFFIX = {"gzip": ".gz", "xz": ".xz", "zstd": ".zst", "bzip2": ".bz2"}


def run(rig, *args, code=0):
    """Runs an import; returns what it said."""
    done = subprocess.run([rig.mailaudit, "--config", rig.config, "import", *args],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != code:
        raise AssertionError("import %s: exit code %d, not %d: %s" %
                             (" ".join(args), done.returncode, code, said))
    return said


def write(path, some):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.writelines(some)


def series(directory, parts=6):
    """mail.log, mail.log.1 and packed ones, oldest last."""
    step = -(-len(LINES) // parts)
    for n in range(parts):
        at = (parts - 1 - n) * step
        path = os.path.join(directory, "mail.log" + (".%d" % n if n else ""))
        write(path, LINES[at:at + step])
        if n > 1:
            subprocess.run([*PACKERS[n % len(PACKERS)], path], check=True)
    return sorted(os.path.join(directory, name) for name in os.listdir(directory))


def series_in_any_order(build):
    want = imported(build, LINES)
    with Rig(build) as rig:
        files = series(rig.path("var"))
    for seed in range(3):
        with Rig(build) as rig:
            files = series(rig.path("var"))
            random.Random(seed).shuffle(files)
            run(rig, *files)
            check_same(rig.dump(), want, "order %s" % files)
            run(rig, *reversed(files))
            check_same(rig.dump(), want, "a second time")


def tar(rig, name, *options):
    """All of var/, packed by tar itself."""
    subprocess.run(["tar", "-C", rig.dir, *options, "-cf", rig.path(name), "var"], check=True)
    return rig.path(name)


def archives(build):
    want = imported(build, LINES)
    for name, option in (("a.tar", "--format=ustar"), ("a.tar.gz", "-z"), ("a.tar.xz", "-J"),
                         ("a.tar.zst", "--zstd"), ("a.tar.bz2", "-j"), ("pax.tar", "--format=pax")):
        with Rig(build) as rig:
            files = series(rig.path("var"))
            archive = tar(rig, name, option)
            said = run(rig, archive)
            if said.count("took ") != len(files):
                raise AssertionError("%s: %s" % (name, said))
            check_same(rig.dump(), want, name)
            run(rig, rig.path("var"), archive)
            check_same(rig.dump(), want, name + " and what it was made of")


def directory(build):
    """Takes the mail logs in it, and says of every other file why not."""
    want = imported(build, LINES)
    with Rig(build) as rig:
        var = rig.path("var")
        files = series(var)
        shutil.copy(files[0], os.path.join(var, "syslog"))
        write(os.path.join(var, "dpkg.log"), [b"2026-11-23 06:00:00 status installed gcc 12\n"])
        write(os.path.join(var, "empty.log"), [])
        os.symlink("/etc/passwd", os.path.join(var, "link"))
        os.mkfifo(os.path.join(var, "fifo"))
        said = run(rig, var)
        check_same(rig.dump(), want, "a directory")
        for name, why in (("syslog", "beside it"), ("dpkg.log", "known kind"),
                          ("empty.log", "empty")):
            if not any(line.startswith("left ") and name + ":" in line and why in line
                       for line in said.splitlines()):
                raise AssertionError("%s was not left: %s" % (name, said))
        if "link" in said or said.count("took ") != len(files):
            raise AssertionError(said)


def pattern(build):
    want = imported(build, LINES)
    with Rig(build) as rig:
        series(rig.path("var"))
        run(rig, rig.path("v*", "mail.log*"))
        check_same(rig.dump(), want, "a pattern")


def odd_files(build):
    """What lies about in directories: said, where it matters, and never counted twice."""
    want = imported(build, LINES)
    with Rig(build) as rig:
        var = rig.path("var")
        log = os.path.join(var, "a b\nc\x1b[31m.log")
        write(log, LINES)
        os.symlink("/nonexistent", os.path.join(var, "dangling"))
        os.symlink(log, os.path.join(var, "link"))
        os.link(log, os.path.join(var, "hard"))
        write(os.path.join(var, "none.gz"), [])
        said = run(rig, var)
        check_same(rig.dump(), want, "a directory of odd files")
        if "\x1b" in said or r"a b\x0ac\x1b[31m.log" not in said or "dangling" in said:
            raise AssertionError(said)
        run(rig, log, os.path.join(var, "link"), log, os.path.join(var, "hard"))
        check_same(rig.dump(), want, "the same by other names")
        if "No such file" not in run(rig, os.path.join(var, "dangling"), code=66):
            raise AssertionError("a dangling link")


def unreadable(build):
    """Who may not read all is told so, and gets the rest."""
    if os.geteuid() != 0:
        return "skipped: not root"
    want = imported(build, LINES)
    with Rig(build) as rig:
        os.chmod(rig.dir, 0o777)
        write(rig.path("var", "mail.log"), LINES)
        write(rig.path("var", "secret.log"), LINES[:9])
        write(rig.path("var", "closed", "mail.log"), LINES[:9])
        os.chmod(rig.path("var", "secret.log"), 0)
        os.chmod(rig.path("var", "closed"), 0)
        done = subprocess.run([rig.mailaudit, "--config", rig.config, "import", rig.path("var")],
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"), user=65534,
                              group=65534, extra_groups=[], capture_output=True, check=False)
        for name in ("secret.log", "closed"):
            line = "left %s: Permission denied" % rig.path("var", name)
            if line not in done.stderr.decode().splitlines():
                raise AssertionError("no %r: %r" % (line, done.stderr))
        if done.returncode != 66:
            raise AssertionError("exit code %d" % done.returncode)
        check_same(rig.dump(), want, "what may be read")
    return None


def foreign(build):
    """Packed in a way we do not read: an error if named, no line of a log in any case."""
    heads = {"zip": b"PK\3\4", "7z": b"7z\xbc\xaf\x27\x1c", "rar": b"Rar!\x1a\7\0",
             "compress": b"\x1f\x9d", "lz4": b"\4\x22\x4d\x18", "lzip": b"LZIP\1"}
    with Rig(build) as rig:
        write(rig.path("var", "mail.log"), LINES)
        for name, head in heads.items():
            write(rig.path("var", name), [head + b"rubbish\n" * 9])
            if "packed by " + name not in run(rig, rig.path("var", name), code=66):
                raise AssertionError(name)
        said = run(rig, rig.path("var"))
        if said.count("unpack it first") != len(heads):
            raise AssertionError(said)
        check_same(rig.dump(), imported(build, LINES), "a directory with them")


def through_pipes(build):
    """Standard input and a shell's <(...), packed or not; tar as a file only."""
    want = imported(build, LINES)
    for packer in (["cat"], *PACKERS):
        for shell in ("{0} < packed | cat | $M -", "$M - < packed", "$M <(cat packed)"):
            with Rig(build) as rig:
                write(rig.path("mail.log"), LINES)
                with open(rig.path("packed"), "wb") as out, open(rig.path("mail.log"), "rb") as log:
                    subprocess.run([packer[0]], stdin=log, stdout=out, check=True)
                env = dict(os.environ, M="%s --config %s import" % (rig.mailaudit, rig.config))
                for _ in range(2):
                    subprocess.run(["bash", "-c", shell.format("cat")], cwd=rig.dir, env=env,
                                   check=True, stdout=subprocess.DEVNULL)
                    check_same(rig.dump(), want, "%s: %s" % (packer[0], shell))
                run(rig, rig.path("mail.log"))
                check_same(rig.dump(), want, "%s: %s, then the file" % (packer[0], shell))
    with Rig(build) as rig:
        series(rig.path("var"))
        tar(rig, "a.tar.gz", "-z")
        for source, code in (("cat a.tar.gz | $M -", 66), ("$M - < a.tar.gz", 0)):
            done = subprocess.run(["bash", "-c", source], cwd=rig.dir, check=False,
                                  env=dict(os.environ, M="%s --config %s import" %
                                           (rig.mailaudit, rig.config)), capture_output=True)
            if done.returncode != code or (code and b"from a pipe" not in done.stderr):
                raise AssertionError("%s: %d, %r" % (source, done.returncode, done.stderr))
        check_same(rig.dump(), want, "tar as standard input")


def unread(pipe):
    """Bytes in a pipe."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def pipe_that_pauses(build):
    """While a pipe has nothing to read, others can write to the database."""
    some = lines(25)
    want = imported(build, some)
    with Rig(build) as rig:
        command = [rig.mailaudit, "--config", rig.config]
        with subprocess.Popen([*command, "import", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL) as job:
            # More than what is written at once, and lines behind it that wait for more.
            job.stdin.write(b"".join(some[:20500]))
            job.stdin.flush()
            while unread(job.stdin) and job.poll() is None:
                time.sleep(0.01)
            time.sleep(1)  # it takes and writes them
            muted = subprocess.run([*command, "mute", "account", "alice", "--for", "1d",
                                    "--because", "x"], capture_output=True, check=False)
            if job.poll() is not None:
                raise AssertionError("the import ended with %d" % job.returncode)
            job.stdin.write(b"".join(some[20500:]))
            job.stdin.close()
            if job.wait() or muted.returncode:
                raise AssertionError("exit code %d; mute: %d, %r" %
                                     (job.returncode, muted.returncode, muted.stderr))
        check_same(rig.dump(), want, "a pipe that pauses")


def entry(line, number):
    """A line as journalctl -o export tells it."""
    stamp, host, program, pid, text = re.match(rb"(\S+) (\S+) ([^\[]+)\[(\d+)\]: (.*)\n",
                                               line).groups()
    time_ = int(datetime.datetime.fromisoformat(stamp.decode()).timestamp() * 1e6)
    return (b"__CURSOR=s=%032x;i=%x;b=%032x;m=1;t=%x;x=1\n__REALTIME_TIMESTAMP=%d\n_HOSTNAME=%s\n"
            b"SYSLOG_IDENTIFIER=%s\nSYSLOG_PID=%s\nSYSLOG_FACILITY=2\n_UID=0\n_COMM=%s\nMESSAGE=%s"
            b"\n\n" % (1, number, 1, time_, time_, host, program, pid, program.split(b"/")[-1], text))


def journal_in_a_directory(build):
    """It is taken, packed, too; but where there is a mail log, that has the same lines."""
    with Rig(build) as rig:
        write(rig.path("var", "host.export"), [entry(l, n + 1) for n, l in enumerate(LINES)])
        subprocess.run(["gzip", rig.path("var", "host.export")], check=True)
        if "host.export.gz: journal" not in run(rig, rig.path("var")):
            raise AssertionError("not taken")
        if rig.dump()["messages"] != imported(build, LINES)["messages"]:
            raise AssertionError("other messages")
    with Rig(build) as rig:
        write(rig.path("var", "mail.log"), LINES)
        write(rig.path("var", "journal", "host.export"),
              [entry(l, n + 1) for n, l in enumerate(LINES)])
        if "the mail log says the same" not in run(rig, rig.path("var")):
            raise AssertionError("taken, too")
        check_same(rig.dump(), imported(build, LINES), "a mail log and the journal")


def overlap(build):
    """Two logs that share lines, at once and one after the other: messages count once."""
    want = imported(build, LINES)["messages"]
    middle = len(LINES) // 2
    for runs in (["old", "new"],), (["old"], ["new"]), (["new"], ["old"]):
        with Rig(build) as rig:
            write(rig.path("old"), LINES[:middle + 50])
            write(rig.path("new"), LINES[middle - 50:])
            for names in runs:
                run(rig, *map(rig.path, names))
            got = rig.dump()["messages"]
        if sorted(row[4] for row in got) != sorted(row[4] for row in want):
            raise AssertionError("%r: %d messages, not %d" % (runs, len(got), len(want)))


def hostile_archives(build):
    """Names are labels; what is damaged is said, what came before it is read."""
    want = imported(build, LINES)
    with Rig(build) as rig:
        series(rig.path("var"))
        inner = tar(rig, "inner.tar")
        shutil.copy(inner, rig.path("var", "inner.tar"))
        write(rig.path("var", "bad.log.gz"), [b"\x1f\x8b\x08\0\0\0\0\0\0\0rubbish"])
        archive = tar(rig, "a.tar.gz", "-z", "-P",
                      r"--transform=s,^var/mail,/../../../../tmp/\x1b[31mmail,")
        said = run(rig, archive)
        check_same(rig.dump(), want, "odd names")
        if "\x1b" in said or "an archive in an archive" not in said or \
                "bad.log.gz" not in said:
            raise AssertionError(said)
    with Rig(build) as rig:
        series(rig.path("var"))
        archive = tar(rig, "a.tar.gz", "-z")
        with open(archive, "r+b") as cut:
            cut.truncate(os.path.getsize(archive) * 2 // 3)
        run(rig, archive, code=66)
        run(rig, tar(rig, "whole.tar"))
        # The newest came first, so only what does not hang on the order can be compared.
        if rig.dump()["counts"] != want["counts"]:
            raise AssertionError("half an archive, then the whole: %r, not %r" %
                                 (rig.dump()["counts"], want["counts"]))


def bomb(build):
    """A gibibyte of NUL bytes in a few kilobytes is read in little memory."""
    with Rig(build) as rig:
        subprocess.run("head -c 1G /dev/zero | bzip2 -1 > '%s'" % rig.path("bomb.bz2"),
                       shell=True, check=True)
        pid = os.spawnv(os.P_NOWAIT, rig.mailaudit,
                        [rig.mailaudit, "--config", rig.config, "import", rig.path("bomb.bz2")])
        _, status, usage = os.wait4(pid, 0)
        if os.waitstatus_to_exitcode(status) not in (0, 66):
            raise AssertionError("exit code %d" % os.waitstatus_to_exitcode(status))
        if usage.ru_maxrss > 400 * 1024:
            raise AssertionError("%d KiB of memory" % usage.ru_maxrss)
        return "%d MiB of memory" % (usage.ru_maxrss // 1024)


def many_logs(build):
    """More customers' logs than may be open at once, plain and packed, take turns."""
    call = (b"[23-Nov-2026 06:%02d:%02d UTC] mail() on [/home/u%d/x.php:3]: To: a@b.example"
            b" -- Headers:  -- Subject: S\n")
    count, each = 150, 60
    found = []
    for limit in (1024, 64):
        with Rig(build) as rig:
            for n in range(count):
                path = rig.path("var", "u%d" % n, "mail.log")
                write(path, [call % (i, n % 60, n) for i in range(each)])
                if n % 2:
                    subprocess.run(["gzip", path], check=True)
            done = subprocess.run(["sh", "-c", 'ulimit -n "$0"; exec "$@"', str(limit),
                                   rig.mailaudit, "--config", rig.config, "import",
                                   rig.path("var")], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
            if done.returncode != 0:
                raise AssertionError(done.stdout[-2000:])
            found.append(rig.query("SELECT s.text, p.time FROM php_mail p LEFT JOIN path s"
                                   " ON s.id = p.script ORDER BY 1, 2"))
    if len(found[0]) != count * each or found[0] != found[1]:
        raise AssertionError("%d and %d calls, not %d" %
                             (len(found[0]), len(found[1]), count * each))


def two_hosts(build):
    """The same queue ids at the same time on another host are other messages."""
    other = [line.replace(line.split(b" ")[1], b"web2", 1) for line in LINES]
    want = len(imported(build, LINES)["messages"])
    with Rig(build) as rig:
        write(rig.path("one"), LINES)
        write(rig.path("two"), other)
        run(rig, rig.path("two"), rig.path("one"))
        hosts = dict(rig.query("SELECT o.host, count(*) FROM message m JOIN origin o"
                               " ON o.id = m.origin GROUP BY o.host"))
    if sorted(hosts.values()) != [want, want]:
        raise AssertionError("%r, each should have %d" % (hosts, want))


def named_hosts(build):
    """Exim's own log names no host: --host tells two servers' same message ids apart."""
    told = (b"2026-11-23 10:05:00 1vM000-000000001aB-0001 <= %s@a.example U=%s P=local S=400\n"
            b"2026-11-23 10:05:01 1vM000-000000001aB-0001 => x@b.example R=dnslookup T=remote_smtp"
            b" H=mx.b.example [192.0.2.3] C=\"250 ok\"\n"
            b"2026-11-23 10:05:01 1vM000-000000001aB-0001 Completed\n")
    with Rig(build) as rig:
        for host, user in ((b"web1", b"anna"), (b"web2", b"bert")):
            write(rig.path(host.decode()), [told % (user, user)])
            run(rig, "--host", host.decode(), "--tz", "UTC", rig.path(host.decode()))
        found = rig.query("SELECT o.host, m.sender_local, m.recipients FROM message m JOIN origin o"
                          " ON o.id = m.origin ORDER BY 1")
    want = [(b"web1", b"anna", 1), (b"web2", b"bert", 1)]
    if [tuple(row) for row in found] != want:
        raise AssertionError("%r, not %r" % (found, want))


def older_after_newer(build):
    """What was read before is no reason to find less in an older log: PHP's lines still wait."""
    case = os.path.join(SOURCE, "tests", "replay", "postfix-plain", "logs")
    newer = b"2026-12-24T10:00:00.000000+00:00 host postfix/pickup[7]: 4jzzzz0000z1c0tT: " \
            b"uid=5101 from=<alice>\n"
    found = []
    for first in ([], [newer]):
        with Rig(build) as rig:
            write(rig.path("newer"), first)
            if first:
                run(rig, rig.path("newer"))
            run(rig, case)
            found.append(rig.query(
                "SELECT m.queue_id, m.state, a.text, m.via, s.text FROM message m"
                " LEFT JOIN account a ON a.id = m.account LEFT JOIN path s ON s.id = m.script"
                " WHERE m.queue_id <> '4jzzzz0000z1c0tT' ORDER BY m.time, m.queue_id"))
            found.append(rig.query("SELECT verdict, severity, first_seen FROM finding ORDER BY 3"))
    if not any(row[4] for row in found[0]):
        raise AssertionError("no script at all: %r" % found[0][:5])
    for alone, after in zip(found[:2], found[2:]):
        if alone != after:
            raise AssertionError("%r behind a newer log, not %r" % (after[:9], alone[:9]))


def kill_and_resume(build):
    want = imported(build, LINES)
    rng = random.Random(int(os.environ.get("FOLLOW_SEED", "0")) or random.randrange(1 << 30))
    kills = 0
    with Rig(build) as rig:
        series(rig.path("var"))
        archive = tar(rig, "a.tar.xz", "-J")
        command = [rig.mailaudit, "--config", rig.config, "import", archive]
        longest = 0.02
        while kills < 40:
            job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0, longest))
            longest *= 1.2
            if job.poll() is not None:
                break
            job.send_signal(signal.SIGKILL)
            job.wait()
            kills += 1
        run(rig, archive)
        check_same(rig.dump(), want, "%d kills" % kills)
    return "%d kills" % kills


FLOCK = "hhqqi4x"  # struct flock


def is_written_to(database):
    """Does a transaction hold SQLite's lock for writers, byte 120 of the -shm file?"""
    try:
        shm = os.open(database + "-shm", os.O_RDONLY)
    except FileNotFoundError:
        return False
    wanted = struct.pack(FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 120, 1, 0)
    kind = struct.unpack(FLOCK, fcntl.fcntl(shm, fcntl.F_GETLK, wanted))[0]
    os.close(shm)
    return kind != fcntl.F_UNLCK


def wal_changed(database):
    try:
        return os.stat(database + "-wal").st_mtime_ns
    except FileNotFoundError:
        return 0


def wait_for_moment(job, database, writes, rest, behind):
    """Until a transaction wrote to -wal so often and then not for so many looks, or until it is
    behind such a one. False: the import ended."""
    open_before, changed, written, still = False, 0, 0, 0
    while job.poll() is None:
        is_open, last, changed = is_written_to(database), changed, wal_changed(database)
        if open_before and not is_open and behind and written >= writes:
            return True
        written = is_open and written + (changed != last)
        still = is_open and changed == last and still + 1
        if is_open and not behind and written >= writes and still >= rest:
            return True
        open_before = is_open
        time.sleep(0.001)
    return False


# In the first transaction of many parts, in the next, and in the last, as far as a machine is slow
# enough to be looked at. A part is about 30 writes, and between two is a rest of up to 30 looks.
MOMENTS = ((1, 0, False), (20, 8, False), (60, 0, False), (100, 8, False), (150, 0, False),
           (60, 0, True), (30, 8, False), (1, 0, False), (130, 8, False), (170, 0, False),
           (60, 0, True), (2, 0, False), (1, 0, True))


def told(rig):
    """What the commands say, and the sums beside it."""
    rows = {what: subprocess.run([rig.mailaudit, "--config", rig.config, "--format", "json", what,
                                  "--limit", "1000000"], capture_output=True, check=True).stdout
            for what in ("messages", "php", "findings")}
    return rows, rig.dump()


def simulated(rig, build):
    """Makes the host's logs and has the rig use its settings; the names of the logs."""
    subprocess.run([os.path.join(build, "tests/sim/generate"), "--out", rig.path("host"),
                    "--mta", "postfix", *HOST], check=True)
    rig.config = rig.path("host", "mailaudit.yaml")
    with open(rig.config, "a", encoding="utf-8") as out:
        out.write("database: %s\n" % rig.database)
    return rig.path("host", "mail.log"), rig.path("host", "php.log")


def kill_within_a_transaction(build):
    """Also one of many parts, between them: all of it counts, or none."""
    with Rig(build) as rig:
        run(rig, *simulated(rig, build))
        want, sums = told(rig)
    kills = {"within": 0, "behind": 0}
    with Rig(build) as rig:
        logs = simulated(rig, build)
        # Little memory, so that pages are in -wal long before their commit.
        env = dict(os.environ, MAILAUDIT_CACHE_KIB="512")
        for moment in MOMENTS:
            job = subprocess.Popen([rig.mailaudit, "--config", rig.config, "import", *logs],
                                   stdout=subprocess.DEVNULL, env=env)
            if not wait_for_moment(job, rig.database, *moment):
                break
            job.send_signal(signal.SIGKILL)
            job.wait()
            kills["behind" if moment[2] else "within"] += 1
        run(rig, *logs)
        got, got_sums = told(rig)
    check_same(got_sums, sums, "%r kills" % kills)
    wrong = [what for what in want if got[what] != want[what]]
    if wrong or not kills["within"] or any(not json.loads(rows) for rows in want.values()):
        raise AssertionError("%r kills, differing: %r" % (kills, wrong))
    return "%(within)d kills within a transaction, %(behind)d behind one" % kills


if __name__ == "__main__":
    if not all(shutil.which(tool) for tool in ("gzip", "xz", "zstd", "bzip2", "tar")):
        print("gzip, xz, zstd, bzip2 or tar is missing")
        sys.exit(77)
    BUILT = subprocess.run([os.path.join(sys.argv[1], "mailaudit"), "--version"],
                           stdout=subprocess.PIPE, check=True).stdout
    if b"-libarchive" in BUILT or b"-lzma" in BUILT or b"-zstd" in BUILT:
        print("built without libarchive, liblzma or libzstd")
        sys.exit(77)
    main([series_in_any_order, archives, directory, pattern, odd_files, unreadable, foreign,
          through_pipes, pipe_that_pauses, journal_in_a_directory, overlap, hostile_archives, bomb,
          many_logs, two_hosts, named_hosts, older_after_newer, kill_and_resume,
          kill_within_a_transaction])

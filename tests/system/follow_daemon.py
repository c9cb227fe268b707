#!/usr/bin/env python3
"""follow_daemon.py BUILD_DIR [TEST...]: how the daemon behaves as a process.

Sleeps when idle, reads new settings and survives broken ones, is not led astray by customers,
waits when the disk is full, and tells what it sees soon.
"""
import os
import shutil
import signal
import socket
import statistics
import subprocess
import time

from follow_common import Rig, check_same, imported, lines, main

# Wake-ups of an idle daemon in 20 s: a status and the owner maps after the start, retention's
# first step, and the slow tick.
IDLE_SECONDS = 20
IDLE_WAKES = 10


def switches(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        return sum(int(line.split()[1]) for line in status
                   if line.startswith("voluntary_ctxt_switches"))


def append(rig, name, some):
    with open(rig.path(name), "ab", buffering=0) as log:
        log.write(b"".join(some))


def idle_sleeps(build):
    with Rig(build) as rig:
        append(rig, "log", lines(1))
        rig.start()
        rig.wait_for_lines(len(lines(1)))
        time.sleep(12)  # status and maps are due 10 s after input
        before = switches(rig.daemon.pid)
        time.sleep(IDLE_SECONDS)
        wakes = switches(rig.daemon.pid) - before
        assert wakes <= IDLE_WAKES, "%d wake-ups in %d s" % (wakes, IDLE_SECONDS)
        return "%d wake-ups in %d s" % (wakes, IDLE_SECONDS)


def other_files_of_the_directory(build):
    """A busy neighbour is not read, and wakes cost no commits."""
    with Rig(build) as rig:
        rig.start()
        append(rig, "neighbour", lines(1))
        append(rig, "log", lines(1))
        rig.wait_for_lines(len(lines(1)))
        time.sleep(0.5)
        assert rig.stored_lines() == len(lines(1))


def reload_settings(build):
    some = lines(4)
    with Rig(build, "  - path: log\n") as rig:
        append(rig, "log", some[:1000])
        rig.start()
        rig.wait_for_lines(1000)

        rig.configure("  - path: log\n    colour: blue\n")
        rig.daemon.send_signal(signal.SIGHUP)
        rig.wait_for(lambda: "settings not changed" in rig.said(), "a complaint")
        assert "colour" in rig.said(), rig.said()
        append(rig, "log", some[1000:2000])
        rig.wait_for_lines(2000)

        rig.configure("  - path: log\n    timezone: +0100\n  - path: other\n")
        append(rig, "other", some[2000:3000])
        rig.daemon.send_signal(signal.SIGHUP)
        rig.wait_for_lines(3000)
        rig.configure("  - path: other\n")
        rig.daemon.send_signal(signal.SIGHUP)
        rig.wait_for(lambda: rig.said().count("settings read again") == 2, "the second reload")
        append(rig, "log", some[3000:3100])
        append(rig, "other", some[3100:])
        rig.wait_for_lines(len(some) - 100)
        time.sleep(0.5)
        assert rig.stored_lines() == len(some) - 100, rig.stored_lines()
        rig.stop()


def many_reloads(build):
    """Nothing is lost or doubled when settings are read again and again."""
    some = lines(6)
    with Rig(build, "  - path: log\n    timezone: UTC\n") as rig:
        rig.start()
        for n in range(60):
            rig.configure("  - path: log\n    timezone: %s\n" % ("+0100" if n % 2 else "UTC"))
            append(rig, "log", some[n * 100:(n + 1) * 100])
            rig.daemon.send_signal(signal.SIGHUP)
            append(rig, "log", [])
        append(rig, "log", some[6000:])
        rig.wait_for_lines(len(some))
        rig.stop()
        check_same(rig.dump(), imported(build, some), "after 60 reloads")


def sigterm_commits(build):
    some = lines(6)
    with Rig(build) as rig:
        append(rig, "log", some)
        for _ in range(20):
            rig.start()
            rig.stop()
        rig.start()
        rig.wait_for_lines(len(some))
        rig.stop()
        check_same(rig.dump(), imported(build, some), "after 20 restarts")


def wrong_settings(build):
    for text, code in (("nonsense: 1\n", 78), ("sources: [{path: 5, format: klingon}]\n", 78),
                       ("sources: [\n", 78)):
        with Rig(build) as rig:
            with open(rig.config, "w", encoding="utf-8") as out:
                out.write(text)
            rig.start(wait=False)
            got = rig.daemon.wait(timeout=20)
            assert got == code, "%r: exit code %d" % (text, got)
    with Rig(build) as rig:
        os.unlink(rig.config)
        rig.start(wait=False)
        assert rig.daemon.wait(timeout=20) == 78
    assert subprocess.run([rig.mailauditd, "--nonsense"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 64


def second_daemon(build):
    """The database has one writer."""
    with Rig(build) as rig:
        rig.start()
        second = subprocess.run([rig.mailauditd, "-c", rig.config], stderr=subprocess.PIPE,
                                check=False, timeout=20)
        assert second.returncode == 75, second
        rig.stop()


def customers_traps(build):
    """FIFOs, devices, directories, links to foreign files where a customer's log should be."""
    some = lines(1)
    secret = b"root only: " + b"x" * 50 + b"\n"
    with Rig(build, '  - path: home/*/logs/php.log\n    format: php\n    trust: tenant\n'
                    "  - path: log\n") as rig:
        with open(rig.path("secret"), "wb") as out:
            out.write(secret)
        os.chmod(rig.path("secret"), 0o600)
        uid = 0
        for name in ("fifo", "link", "dirlink", "hardlink", "directory", "socket", "good"):
            uid = 50000 + len(name)
            logs = rig.path("home", name, "logs")
            os.makedirs(logs)
            log = os.path.join(logs, "php.log")
            if name == "fifo":
                os.mkfifo(log)
            elif name == "link":
                os.symlink(rig.path("secret"), log)
            elif name == "dirlink":
                os.rmdir(logs)
                os.mkdir(rig.path("elsewhere"))
                shutil.copy(rig.path("secret"), rig.path("elsewhere", "php.log"))
                os.symlink(rig.path("elsewhere"), logs)
            elif name == "hardlink":
                os.link(rig.path("secret"), log)
            elif name == "directory":
                os.mkdir(log)
            elif name == "socket":
                socket.socket(socket.AF_UNIX).bind(log)
            else:
                with open(log, "wb") as out:
                    out.write(b"[23-Nov-2026 14:31:52 UTC] mail() on [/home/good/x.php:3]: "
                              b"To: a@b.example -- Headers: X: y -- Subject: s\n")
            if os.geteuid() == 0:
                for path in (rig.path("home", name), logs, log):
                    if os.path.lexists(path) and name != "hardlink":
                        os.lchown(path, uid, uid)
                os.chown(rig.path("home", name), uid, uid)
        append(rig, "log", some)
        rig.start()
        rig.wait_for_lines(len(some))
        rig.wait_for(lambda: rig.query("SELECT count(*) FROM php_mail") == [(1,)], "the good log")
        sources = [row[0] for row in rig.query("SELECT path FROM source")]
        unknown = rig.query("SELECT * FROM unknown")
        assert len(sources) == 2, sources
        assert not any(b"root only" in str(row).encode() for row in unknown), unknown
        held = os.listdir("/proc/%d/fd" % rig.daemon.pid)
        opened = [os.readlink("/proc/%d/fd/%s" % (rig.daemon.pid, fd)) for fd in held]
        assert not any("secret" in name or "elsewhere" in name for name in opened), opened
        rig.stop()


def full_disk(build):
    """Nothing is lost when the disk is full and has room again."""
    some = lines(6)
    if os.geteuid() != 0:
        return "needs root, left out"
    with Rig(build) as rig:
        disk = rig.path("disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk],
                          stderr=subprocess.DEVNULL, check=False).returncode:
            return "cannot mount, left out"
        try:
            rig.database = os.path.join(disk, "mailaudit.db")
            rig.configure("  - path: log\n")
            ballast = os.path.join(disk, "ballast")
            rig.start()
            out = os.open(ballast, os.O_WRONLY | os.O_CREAT)
            try:
                while True:
                    os.write(out, b"x" * 4096)
            except OSError:
                os.close(out)
            append(rig, "log", some)
            rig.wait_for(lambda: "nothing is read until" in rig.said(), "a complaint")
            time.sleep(4)
            assert rig.said().count("nothing is read until") == 1, "complained more than once"
            os.unlink(ballast)
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            rig.wait_for_lines(len(some))
            rig.wait_for(lambda: "storing works again" in rig.said(), "the all-clear")
            rig.stop()
            check_same(rig.dump(), imported(build, some), "after the disk was full")
        finally:
            if rig.daemon.poll() is None:
                rig.kill()
            subprocess.run(["umount", "-l", disk], check=True)
    return None


def locked_database(build):
    """Somebody holds the database for a while."""
    import sqlite3
    some = lines(2)
    with Rig(build) as rig:
        rig.start()
        other = sqlite3.connect(rig.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        append(rig, "log", some)
        rig.wait_for(lambda: "nothing is read until" in rig.said(), "a complaint")
        other.execute("ROLLBACK")
        other.close()
        rig.wait_for_lines(len(some))
        rig.stop()
        check_same(rig.dump(), imported(build, some), "after the lock")


def shows_messages(build):
    """And what is found in them."""
    some = lines(2)
    limits = "limits: {account: {messages_per_day: 10}}\n"
    with Rig(build, extra=limits) as rig:
        with open(rig.path("shown"), "wb") as shown:
            rig.start("--show", stdout=shown)
            append(rig, "log", some)
            rig.wait_for_lines(len(some))
            rig.stop()
        with open(rig.path("shown"), "rb") as shown:
            text = shown.read()
    assert text.count(b"\n") > 50 and b" rcpt" in text, text[:2000]
    assert b" WARNING " in text or b" CRITICAL " in text, text[:2000]
    assert not any(byte < 0x20 and byte != 0x0a for byte in text)
    return "%d messages" % text.count(b"\n")


def notifies(build):
    """What systemd would be told."""
    with Rig(build) as rig:
        name = rig.path("notify")
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        server.bind(name)
        server.settimeout(20)
        os.environ["NOTIFY_SOCKET"] = name
        os.environ["WATCHDOG_USEC"] = "2000000"
        try:
            rig.start()
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        seen = []

        def until(word):
            while word not in "\n".join(seen).split("\n"):
                seen.append(server.recv(4096).decode())
        try:
            until("READY=1")
        except socket.timeout:
            return "built without libsystemd, left out"
        until("WATCHDOG=1")
        rig.daemon.send_signal(signal.SIGHUP)
        until("RELOADING=1")
        assert "MONOTONIC_USEC=" in seen[-1], seen
        seen.clear()
        until("READY=1")
        rig.daemon.send_signal(signal.SIGTERM)
        until("STOPPING=1")
        rig.daemon.wait(timeout=20)
    return None


def drops_rights(build):
    """Started as root, it is nobody's root soon."""
    if os.geteuid() != 0:
        return "needs root, left out"
    with Rig(build) as rig:
        home = rig.path("home")
        os.mkdir(home)
        with open(rig.path("log"), "wb") as log:
            log.writelines(lines(1))
        os.chmod(rig.path("log"), 0o600)
        os.chown(rig.path("log"), 54321, 54321)
        rig.database = rig.path("state", "mailaudit.db")
        rig.configure("  - path: log\n    trust: system\n")
        rig.start("-u", "nobody")
        rig.wait_for_lines(len(lines(1)))
        with open("/proc/%d/status" % rig.daemon.pid, encoding="ascii") as status:
            said = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        assert set(said["Uid"].split()) == {"65534"}, said["Uid"]
        assert set(said["Gid"].split()) == {"65534"}, said["Gid"]
        assert int(said["CapEff"], 16) == int(said["CapPrm"], 16) == 1 << 2, said["CapEff"]
        assert int(said["CapInh"], 16) == int(said["CapAmb"], 16) == 0
        assert int(said["CapBnd"], 16) & ~(1 << 2) == 0, said["CapBnd"]
        assert said["NoNewPrivs"] == "1"
        mode = os.stat(rig.path("state"))
        assert (mode.st_uid, mode.st_mode & 0o777) == (65534, 0o750), mode
        assert os.stat(rig.database).st_mode & 0o777 == 0o640
        rig.stop()
    return None


def latency(build):
    """Line written to row readable by another process, while it is quiet."""
    import sqlite3
    some = lines(1)
    with Rig(build) as rig:
        append(rig, "log", some)
        rig.start()
        rig.wait_for_lines(len(some))
        db = sqlite3.connect("file:%s?mode=ro" % rig.database, uri=True, isolation_level=None)
        count = "SELECT count(*) FROM message"
        took = []
        story = [line for line in some if b" 4jBBgD0MS8z24: " in line]
        for n in range(200):
            line = b"".join(story).replace(b"4jBBgD0MS8z24", b"4jZ%07dz24" % (n + 1111111))
            line = line.replace(b"T14:31:52", b"T15:%02d:%02d" % (n // 60, n % 60))
            before = db.execute(count).fetchone()
            start = time.perf_counter()
            append(rig, "log", [line])
            while db.execute(count).fetchone() == before:
                assert time.perf_counter() - start < 5, rig.said()
            took.append(time.perf_counter() - start)
            time.sleep(0.01)
        db.close()
    took.sort()
    return "p50 %.2f ms, p99 %.2f ms" % (1000 * statistics.median(took),
                                          1000 * took[int(len(took) * 0.99)])


if __name__ == "__main__":
    main([idle_sleeps, other_files_of_the_directory, reload_settings, many_reloads,
          sigterm_commits, wrong_settings, second_daemon, customers_traps, full_disk,
          locked_database, shows_messages, notifies, drops_rights, latency])

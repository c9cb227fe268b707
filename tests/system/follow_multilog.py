#!/usr/bin/env python3
"""follow_multilog.py BUILD_DIR [TEST...]: qmail-send's lines through the real multilog.

multilog rotates every four KiB while mailauditd follows `current`, is killed with SIGKILL and
started again; multilog itself is killed, too, and leaves @LABEL.u. At the end the database must say
what an import of the same lines in one file says, and what an import of the directory says.

The lines are made here after qmail-send.c, with numbers used again at once; stamps and files are
multilog's.
"""
import glob
import os
import random
import shutil
import subprocess
import sys
import threading
import time

import follow_common
from follow_common import check_same, main, say

MESSAGES = 300
KILLS = 8
USERS = (5101, 5102, 5103, 64011, 64011)
ANSWERS = (
    "success: 192.0.2.1_accepted_message./Remote_host_said:_250_2.0.0_Ok/",
    "failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:_550_5.1.1_no_such_user/",
    "failure: 192.0.2.1_failed_after_I_sent_the_message./Remote_host_said:_554_5.7.1_spam/",
    "deferral: Sorry,_I_wasn't_able_to_establish_an_SMTP_connection._(#4.4.1)/",
)


class Rig(follow_common.Rig):
    """A host where qmail-smtpd has a user: what it takes waits for no PHP line."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        with open(self.path("passwd"), "a", encoding="utf-8") as passwd:
            passwd.write("qmaild:x:64011:64010::/var/qmail:/bin/false\n")


def imported(build, lines):
    """What a database says after one import of these lines in one file."""
    with Rig(build) as rig:
        with open(rig.path("log"), "wb") as out:
            out.writelines(lines)
        subprocess.run([rig.mailaudit, "--config", rig.config, "import", rig.path("log")],
                       check=True, stdout=subprocess.DEVNULL)
        return rig.dump()


def qmail_send(rng, messages):
    """Lines of so many messages, several of them in the queue at a time."""
    free, running, delivery, out = list(range(1048600, 1048620)), [], 0, []
    made = 0
    while made < messages or running:
        if made < messages and free and rng.random() < 0.5:
            number = free.pop()
            made += 1
            out += ["new msg %d" % number,
                    "info msg %d: bytes %d from <u%d@shop.example> qp %d uid %d" % (
                        number, rng.randrange(300, 9000), made, 10000 + made, rng.choice(USERS))]
            todo = ["t%06d-%d@dest.example" % (made, n) for n in range(rng.choice((1, 1, 2, 3)))]
            running.append([number, todo, []])
            continue
        if not running:
            continue
        message = rng.choice(running)
        number, todo, under_way = message
        if todo and rng.random() < 0.6:
            delivery += 1
            address = todo.pop()
            under_way.append((delivery, address))
            out.append("starting delivery %d: msg %d to remote %s" % (delivery, number, address))
        elif under_way:
            ended, address = under_way.pop(rng.randrange(len(under_way)))
            answer = rng.choice(ANSWERS)
            if answer.startswith("deferral"):
                todo.append(address)
            out.append("delivery %d: %s" % (ended, answer))
        elif not todo:
            out.append("end msg %d" % number)
            running.remove(message)
            free.append(number)  # the next to be used
        if rng.random() < 0.3:
            out.append("status: local 0/10 remote %d/20" % len(running))
    return [line.encode() + b"\n" for line in out]


class Multilog(threading.Thread):
    """Feeds the lines to multilog, and kills it now and then between two of them."""

    def __init__(self, directory, lines, rng):
        super().__init__(daemon=True)
        self.directory, self.lines, self.rng, self.killed = directory, lines, rng, 0
        self.program = None

    def open(self):
        self.program = subprocess.Popen(["multilog", "t", "s4096", "n100000", self.directory],
                                        stdin=subprocess.PIPE, bufsize=0)

    def written(self):
        return sum(count_lines(name) for name in files(self.directory))

    def run(self):
        before = self.written()
        self.open()
        for at, line in enumerate(self.lines):
            self.program.stdin.write(line)
            if self.rng.random() < 0.2:
                time.sleep(0.004)
            if self.rng.random() < 0.002:
                while self.written() < before + at + 1:
                    time.sleep(0.002)
                self.program.kill()
                self.program.wait()
                self.killed += 1
                self.open()
        self.program.stdin.close()
        self.program.wait()


def files(directory):
    """In the order in which they were written."""
    found = sorted(glob.glob(os.path.join(directory, "@*")))
    current = os.path.join(directory, "current")
    return found + ([current] if os.path.exists(current) else [])


def read(name):
    try:
        with open(name, "rb") as log:
            return log.read()
    except FileNotFoundError:  # renamed since
        return b""


def count_lines(name):
    return read(name).count(b"\n")


def all_lines(directory):
    return b"".join(read(name) for name in files(directory)).splitlines(keepends=True)


def import_directory(rig, directory):
    """What a database of its own says after an import of the directory, and what it printed."""
    database = rig.path("import.db")
    run = subprocess.run([rig.mailaudit, "--config", rig.config, "--db", database, "import",
                          directory], check=True, capture_output=True, text=True)
    rig.database, kept = database, rig.database
    try:
        return rig.dump(), run.stderr
    finally:
        rig.database = kept


def followed_and_killed(build):
    seed = int(os.environ.get("FOLLOW_SEED", random.randrange(10**6)))
    rng = random.Random(seed)
    lines = qmail_send(rng, MESSAGES)
    with Rig(build, "  - path: log/current\n") as rig:
        os.mkdir(rig.path("log"))
        rig.start()
        writer = Multilog(rig.path("log"), lines, random.Random(seed + 1))
        writer.start()
        for _ in range(KILLS):
            time.sleep(rng.random() * 0.3)
            rig.kill()
            time.sleep(rng.random() * 0.2)
            rig.start()
        writer.join()
        rig.wait_for_lines(len(lines), 60)
        rig.stop()
        got, there = rig.dump(), all_lines(rig.path("log"))
        if [line.split(b" ", 1)[1] for line in there] != lines:
            raise AssertionError("seed %d: multilog has other lines than it was given" % seed)
        if len(got["messages"]) != MESSAGES:
            raise AssertionError("seed %d: %d messages of %d" % (seed, len(got["messages"]),
                                                                 MESSAGES))
        check_same(got, imported(build, there), "seed %d: followed" % seed)
        whole, told = import_directory(rig, rig.path("log"))
        check_same(whole, got, "seed %d: import of the directory" % seed)
        names = files(rig.path("log"))
        return "%d lines in %d files, %d of a killed multilog, %d kills, %d left out" % (
            len(lines), len(names), sum(name.endswith(".u") for name in names), KILLS,
            told.count("left "))


def downtime(build):
    """What was written while nobody followed is found in the files that were rotated."""
    rng = random.Random(1)
    lines = qmail_send(rng, 300)
    with Rig(build, "  - path: log/current\n") as rig:
        os.mkdir(rig.path("log"))
        rig.start()  # from now on it is known since when the log is waited for
        rig.stop()
        cut = [0, len(lines) // 3, len(lines) // 3 + 5, len(lines)]
        for begin, end in zip(cut, cut[1:]):
            writer = Multilog(rig.path("log"), lines[begin:end], random.Random(0))
            writer.run()
            rig.start()
            rig.wait_for_lines(end)
            rig.stop()
        check_same(rig.dump(), imported(build, all_lines(rig.path("log"))), "after downtime")
        return "%d lines in %d files" % (len(lines), len(files(rig.path("log"))))


def left_out(build):
    """What multilog keeps beside its logs is no log, whatever it holds."""
    with Rig(build, "  - path: log/current\n") as rig:
        directory = rig.path("log")
        Multilog(directory, qmail_send(random.Random(2), 40), random.Random(0)).run()
        for name in ("state", "newstate", "processed", "previous"):
            with open(os.path.join(directory, name), "wb") as out:
                out.write(read(files(directory)[0]))
        whole, told = import_directory(rig, directory)
        if len(whole["messages"]) != 40:
            raise AssertionError("%d messages of 40" % len(whole["messages"]))
        for name in ("lock", "state", "newstate", "processed"):
            if "left %s:" % os.path.join(directory, name) not in told:
                raise AssertionError("%s is not said to be left out:\n%s" % (name, told))
        return "%d files taken" % told.count("took ")


def settings_of_current(build):
    """What the settings say of `current` holds for what it was renamed to: here, that it is the system's
    though it lies in a home."""
    with Rig(build) as rig:
        rig.configure("  - path: home/alice/log/current\n",
                      '  homes: ["%s/home/*/"]\n' % rig.dir)
        directory = rig.path("home/alice/log")
        os.makedirs(os.path.dirname(directory))
        Multilog(directory, qmail_send(random.Random(3), 40), random.Random(0)).run()
        whole, _ = import_directory(rig, directory)
        if len(whole["messages"]) != 40:
            raise AssertionError("%d messages of 40" % len(whole["messages"]))
        return "%d files" % len(files(directory))


if __name__ == "__main__":
    if not shutil.which("multilog"):
        say("skip: no multilog (package daemontools)")
        sys.exit(77)
    say("lines made after qmail-send.c, stamps and files of the real multilog")
    main([followed_and_killed, downtime, left_out, settings_of_current])

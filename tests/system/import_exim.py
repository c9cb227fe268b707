#!/usr/bin/env python3
"""import_exim.py BUILD_DIR: Exim's main, reject and panic log, together and apart.

A refusal stands in the main log and in the reject log, and counts once, whichever of them is
read first, or alone. What only the reject log knows, the header, comes to the message; what a
header says of others does not.
"""
import itertools
import os
import signal
import subprocess
import time

from follow_common import SOURCE, Rig, main

CASE = os.path.join(SOURCE, "tests", "replay", "exim-rejects")
CORPUS = os.path.join(SOURCE, "tests", "corpus")
MAPS = "  maps: [{path: %s/domains.map, format: domains}, {path: %s/logins.map, format: logins}]\n" \
       "  shared: [www-data]\n" % (CASE, CASE)

MESSAGES = """
SELECT m.time, m.queue_id, m.state, a.text, m.via, u.text, m.subject, m.message_id, m.sender_local,
       m.recipients, m.rejected, s.text
  FROM message m LEFT JOIN account a ON a.id = m.account LEFT JOIN login u ON u.id = m.user
       LEFT JOIN path s ON s.id = m.script ORDER BY m.time, m.queue_id, m.sender_local, m.id"""


def case_lines(name):
    with open(os.path.join(CASE, "logs", "exim", name), "rb") as log:
        return log.readlines()


def corpus_lines(folder):
    """The captured lines, without those that were written after the source."""
    with open(os.path.join(CORPUS, folder, "captured.txt"), "rb") as text:
        lines = text.read().split(b"# form:")[0].split(b"\n")
    return [line[2:] + b"\n" for line in lines if line.startswith(b"< ")]


# The panic log was captured a week after the others; followed beside them, it would be their time.
LOGS = {"mainlog": case_lines("mainlog"), "rejectlog": case_lines("rejectlog"),
        "paniclog": [line.replace(b"2026-11-30 19:46:4", b"2026-11-23 14:29:3")
                     for line in corpus_lines("eximpanic")]}


class Exim(Rig):
    """A Rig with the accounts of the captured case, and the logs in exim4/."""

    def __init__(self, build, logs, sources=" []\n"):
        super().__init__(build, sources, MAPS)
        os.mkdir(self.path("exim4"))
        for name, lines in logs.items():
            with open(self.path("exim4", name), "wb") as out:
                out.writelines(lines)

    def configure(self, sources, extra=""):
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("database: %s\nhostname: host.example\nstore: all\nsources:\n%s"
                      "accounts:\n  passwd: %s/passwd\n%s" %
                      (self.database, sources, CASE, extra))

    def command(self, *names):
        return [self.mailaudit, "--config", self.config, "import", "--tz", "UTC",
                *(self.path("exim4", name) for name in names)]

    def run(self, *names):
        subprocess.run(self.command(*names), check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def told(self):
        """Messages, sums, times of loss."""
        return {"messages": [tuple(row) for row in self.query(MESSAGES)],
                "hourly": [tuple(row) for row in self.query(
                    "SELECT a.text, h.hour, h.messages, h.recipients, h.rejected FROM hourly h"
                    " LEFT JOIN account a ON a.id = h.account ORDER BY 2, 1")],
                "loss": [tuple(row) for row in self.query(
                    "SELECT reporter, first, last, lines FROM loss ORDER BY first")]}


def said_of(build, logs, *runs):
    with Exim(build, logs) as rig:
        for names in runs:
            rig.run(*names)
        return rig.told()


def check(got, want, what):
    for name in want:
        if got[name] != want[name]:
            raise AssertionError("%s: %s\n  %s\n  not\n  %s" % (
                what, name, "\n  ".join(map(str, set(got[name]) - set(want[name]))),
                "\n  ".join(map(str, set(want[name]) - set(got[name])))))


def any_order(build):
    """All at once, one after the other, and the directory: the same."""
    want = said_of(build, LOGS, list(LOGS))
    if len(want["loss"]) != 1:
        raise AssertionError("%r: not one time of loss" % want["loss"])
    check(said_of(build, LOGS, [""]), want, "the directory")
    for order in itertools.permutations(LOGS):
        check(said_of(build, LOGS, *[[name] for name in order]), want, " ".join(order))
    check(said_of(build, LOGS, *[[name] for name in LOGS], [""], list(reversed(LOGS))), want,
          "again and again")
    both = said_of(build, LOGS, ["mainlog", "rejectlog"])
    return "%d messages" % len(both["messages"])


def alone(build):
    """The reject log tells of the same refusals as both, and of nothing else."""
    both = said_of(build, LOGS, ["mainlog", "rejectlog"])["messages"]
    refused = [row for row in both if row[2] == 5]
    check({"messages": said_of(build, LOGS, ["rejectlog"])["messages"]}, {"messages": refused},
          "only the reject log")
    nothing = said_of(build, LOGS, ["paniclog"])["messages"]
    if nothing:
        raise AssertionError("messages of the panic log: %r" % nothing)


def header(build):
    """What the reject log adds: subject, Message-ID, and the login name of a local caller."""
    with_it, without = (dict((row[1], row[3:8]) for row in said_of(build, LOGS, names)["messages"])
                        for names in (["mainlog", "rejectlog"], ["mainlog"]))
    local = [i for i in with_it if with_it[i][2] != without[i][2]]
    if len(local) != 1 or without[local[0]][0] is not None or with_it[local[0]][0] != b"bob" or \
            with_it[local[0]][3] != b"Refused":
        raise AssertionError("%r, without it %r" % (with_it, without))


def forged_header(build):
    """Folded lines, a bare CR and a second Received: name carol, who has sent nothing."""
    logs = {"rejectlog": corpus_lines("eximreject")}
    rows = [row for row in said_of(build, logs, ["rejectlog"])["messages"]
            if row[1] != b"NOQUEUE"]
    # A client without login has no account by a header, and no script.
    want = [(b"1xY7Kh-0005Ey-0x", None, None, b"line", b"m1@shop.example", None),
            (b"1xY7Kh-0005Ez-1n", b"bob", b"bob", b"Refused", b"E1xY7Kh-0005Ez-1n@host.example",
             None)]
    got = [(row[1], row[3] if row[3] != b"carol" or row[8] != b"app" else None, row[5], row[6],
            row[7], row[11]) for row in rows]
    if got != want:
        raise AssertionError("%r, not %r" % (got, want))


def line(second, text):
    return b"2026-11-23 10:00:%02d " % second + text + b"\n"


REFUSED = (b"H=localhost [127.0.0.1] F=<app@shop.example> rejected RCPT <a@dest.example>: no")


def alike(build):
    """Lines that are the same byte for byte are as many refusals."""
    logs = {"mainlog": [line(1, REFUSED)] * 3 + [line(2, REFUSED)] + [line(3, b"no more")],
            "rejectlog": [line(1, REFUSED)] * 3 + [line(2, REFUSED)]}
    for order in (["mainlog", "rejectlog"],), (["mainlog"], ["rejectlog"]), \
            (["rejectlog"], ["mainlog"]), (["rejectlog"],):
        found = len(said_of(build, logs, *order)["messages"])
        if found != 4:
            raise AssertionError("%r: %d refusals, not 4" % (order, found))


def through_syslog(build):
    """syslog_duplication: both lines come to one file, with stamps of their own."""
    def pair(second, pid):
        return [b"2026-11-23T10:00:%02d.%06d+00:00 host exim[%d]: " % (second, 488 + n, pid) +
                REFUSED + b"\n" for n in range(2)]
    logs = {"mail.log": pair(1, 20363) + pair(1, 20363) + pair(2, 20363) + pair(2, 20366)}
    found = len(said_of(build, logs, ["mail.log"])["messages"])
    if found != 4:
        raise AssertionError("%d refusals, not 4" % found)


def refused_logins(build):
    """A login refused ten times is guessed: the lines in syslog's copy do not count."""
    line = (b"2026-11-23T10:00:%02d.%06d+00:00 host exim[%d]: plain_server authenticator failed for"
            b" (x) [203.0.113.40]: 535 Incorrect authentication data (set_id=info@shop.example)\n")
    states = []
    for copies in (1, 2):
        logs = {"mail.log": [line % (n, 488 + c, 900 + n) for n in range(6) for c in range(copies)]}
        with Exim(build, logs) as rig:
            rig.run("mail.log")
            states.append(rig.query("SELECT key, state FROM stream ORDER BY 1"))
    if not states[0] or states[0] != states[1]:
        raise AssertionError("%r" % states)


def kill_and_resume(build):
    logs = {"mainlog": [], "rejectlog": []}
    for n in range(4000):
        second = line(n % 60, REFUSED).replace(b" 10:00", b" 10:%02d" % (n // 60 % 60))
        second = second.replace(b" 10:", b" %d:" % (10 + n // 3600))
        logs["mainlog"] += [second] * (1 + n % 3)
        logs["rejectlog"] += [second] * (1 + n % 3)
    want, longest, kills = said_of(build, logs, list(logs)), 0.05, 0
    with Exim(build, logs) as rig:
        while kills < 20:
            job = subprocess.Popen(rig.command(*logs), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            time.sleep(longest)
            longest *= 1.3
            if job.poll() is not None:
                break
            job.send_signal(signal.SIGKILL)
            job.wait()
            kills += 1
        rig.run(*logs)
        check(rig.told(), want, "%d kills" % kills)
    return "%d kills" % kills


def followed(build):
    """mailauditd with all three finds what import does."""
    want = said_of(build, LOGS, list(LOGS))
    sources = "".join("  - {path: exim4/%s, format: %s, timezone: UTC}\n" % pair for pair in
                      (("mainlog", "exim"), ("rejectlog", "exim-reject"),
                       ("paniclog", "exim-panic")))
    with Exim(build, {}, sources) as rig:
        rig.start()
        steps = max(map(len, LOGS.values()))
        for n in range(steps):
            for name, lines in LOGS.items():
                with open(rig.path("exim4", name), "ab") as out:
                    out.writelines(lines[n * len(lines) // steps:(n + 1) * len(lines) // steps])
        rig.wait_for(lambda: rig.query("SELECT sum(lines) FROM source")[0][0] ==
                     sum(map(len, LOGS.values())), "all lines")
        rig.stop()
        got = rig.told()
    check({"messages": got["messages"]}, {"messages": want["messages"]}, "followed")


if __name__ == "__main__":
    main([any_order, alone, header, forged_header, alike, through_syslog, refused_logins,
          kill_and_resume, followed])

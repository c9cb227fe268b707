#!/usr/bin/env python3
"""Exim parser against logs and expectations that other people wrote.

usage: oracle_exim.py PATH/TO/corpus [-v]

Reads $MAILAUDIT_SHARED (default: ../shared beside the source tree); without it,
says so and exits 77 (skipped). Prints "compared/agree/differ" for each oracle
and fails below the recorded numbers; -v lists the unknown lines.

    testsuite  Exim's own test suite: expected logs of several releases. No parse
               is given with them, but each flag line has to become an event of
               its kind with its id.
    exporter   exim_exporter: a log and the counters it must give.
    fail2ban   authentication failures: host, and whether the line is one.
    crowdsec   the same.
"""

import collections
import json
import os
import re
import subprocess
import sys

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
SHARED = os.environ.get("MAILAUDIT_SHARED", os.path.join(SOURCE, "..", "shared"))
CORPUS = os.path.join(SHARED, "corpus")
SKIPPED = 77

# What must be reached: agreements, and unknown lines in a thousand.
RECORDED = {"testsuite": 10640, "exporter": 10, "fail2ban": 58, "crowdsec": 37}
MAX_UNKNOWN = 10

ID = r"[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{11}-[0-9A-Za-z]{4}|[0-9A-Za-z]{6}-[0-9A-Za-z]{2})"
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})? "

KIND_OF_FLAG = {
    "<=": "accept",
    "(=": "accept",
    "=>": "delivery",
    "->": "delivery",
    ">>": "delivery",
    "*>": "delivery",
    "**": "delivery",
    "==": "delivery",
    "Completed": "end",
}


class Answer:
    """What the parser said of one line."""

    def __init__(self, line, said):
        self.line = line
        self.result = said["result"]
        self.rule = said["rule"]
        self.events = said["events"]

    def has(self, kind, **fields):
        wanted = dict(fields, kind=kind)
        return any(wanted.items() <= event.items() for event in self.events)


def ask(program, parser, lines):
    data = b"".join(line + b"\n" for line in lines)
    out = subprocess.run(
        [program, "--json", parser, "-"], input=data, stdout=subprocess.PIPE, check=True
    )
    said = [json.loads(text) for text in out.stdout.split(b"\n") if text]
    assert len(said) == len(lines), "one answer for each line"
    return [Answer(line.decode("latin-1"), text) for line, text in zip(lines, said)]


def read_lines(path):
    with open(path, "rb") as f:
        return [line for line in f.read().split(b"\n") if line]


class Oracle:
    """Counts, and the first lines that differ."""

    def __init__(self, name):
        self.name = name
        self.agree = self.differ = 0

    def check(self, good, answer, wanted):
        if good:
            self.agree += 1
            return
        self.differ += 1
        if self.differ <= 10:
            print("differs: wanted %s\n  %s" % (wanted, answer.line[:200]))
            print("  %s %s %s" % (answer.result, answer.rule, answer.events[:1]))

    def report(self):
        total = self.agree + self.differ
        print("%s: %d/%d/%d" % (self.name, total, self.agree, self.differ))
        return self.agree >= RECORDED[self.name]


# ---- Exim's test suite -------------------------------------------------------

# The suite replaces what changes from run to run; this puts numbers back.
DEMUNGE = [
    (rb"^(%s)\[p?p*(\d*)p*\] " % STAMP.encode(), rb"\1[1\2] "),
    (rb" S=sss", rb" S=777"),
    (rb"\]:PORT_[A-Z]\d?", rb"]:1225"),
]

# What the tests' own configurations write with logwrite, log_message of no
# verb, system filters and event actions: text that no Exim of itself logs.
OWN_TEXT = re.compile(
    r"""arc_|arc:|at\ |(r\d+ )?bits\b|cipher|client\ (claims|ocsp)|d(kim|mata)?_?acl:|
    dkim_|dmarc_|domains:|event\ |lh[-_]|msg:|oldest-p|our\ cert|overall\ |peer\b|
    pla\b|queue_size:|reason:|signer:|smtp:ehlo|tls:cert|tls_(in|out)_|ver\b|ver:|
    x-test-header|\(no\ |\$|"|\.\ |\s*$|(CRU|IN|N[ABO]|OCU|OCSP|S[ANGR]N?;?|SNCN|SNO|
    Our|Peer|No|NOTE:|NOTQUIT)\b|Authentication-Results:|TLS1|test\ write|unknown$|
    malware_name|\S+\ malware_name|Accept\ |Denying|plp|data_acl:|Server\ certificate""",
    re.VERBOSE,
)


def suite_lines(release):
    directory = os.path.join(CORPUS, "exim-testsuite", release, "log")
    for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
        for line in read_lines(os.path.join(directory, name)):
            for pattern, new in DEMUNGE:
                line = re.sub(pattern, new, line)
            if re.match(STAMP.encode(), line):
                yield line


def check_suite(program):
    oracle = Oracle("testsuite")
    named = unknown = unknown_own = 0
    flag = re.compile(
        "%s(?:\\[\\d+\\] )?(%s) (<=|\\(=|=>|->|>>|\\*>|\\*\\*|==|Completed)(?: |$)" % (STAMP, ID)
    )
    about = re.compile("%s(?:\\[\\d+\\] )?%s (.*)" % (STAMP, ID))
    for release in ("HEAD", "exim-4.96.2", "exim-4_84"):
        for answer in ask(program, "exim", list(suite_lines(release))):
            match = flag.match(answer.line)
            if match:
                kind = KIND_OF_FLAG[match.group(2)]
                if re.search(r"=> blackhole [(*]", answer.line):
                    kind = "discard"
                oracle.check(answer.has(kind, qid=match.group(1)), answer, kind)
            match = about.match(answer.line)
            named += bool(match)
            if match and answer.result == "unknown":
                unknown += 1
                if OWN_TEXT.match(match.group(1)):
                    unknown_own += 1
                elif "-v" in sys.argv:
                    print("unknown: %s" % answer.line[:160])
    rest = unknown - unknown_own
    print(
        "testsuite: %d lines name a message, %d unknown: %d written by the tests' own "
        "configurations, %d by Exim (%.2f %%)"
        % (named, unknown, unknown_own, rest, 100 * rest / named)
    )
    return oracle.report() and 1000 * rest <= MAX_UNKNOWN * named


# ---- the others --------------------------------------------------------------


FLAG_OF_RULE = {
    "arrival": "arrived",
    "delivered": "delivered",
    "delivered-more": "additional",
    "failed": "failed",
    "deferred": "deferred",
    "completed": "completed",
}


def count_exporter(answers):
    """The counters of exim_exporter, from our events."""
    seen = collections.Counter()
    for a in answers:
        if a.rule in FLAG_OF_RULE:
            seen['exim_messages_total{flag="%s"}' % FLAG_OF_RULE[a.rule]] += 1
        text = a.events[0].get("text", "") if a.rule in ("failed", "deferred") else ""
        code = re.search(r": (\d{3}) ", text)
        if code:
            seen[
                'exim_message_errors_total{enhanced="%s",status="%s"}'
                % (a.events[0].get("dsn", ""), code.group(1))
            ] += 1
    return seen


def check_exporter(program):
    oracle = Oracle("exporter")
    directory = os.path.join(CORPUS, "exim_exporter")
    answers = ask(program, "exim", read_lines(os.path.join(directory, "mainlog")))
    got = count_exporter(answers)
    with open(os.path.join(directory, "tail.metrics"), encoding="utf-8") as f:
        for line in f:
            if re.match(r"exim_(messages_total|message_errors_total)\{", line):
                key, value = line.split()
                answer = Answer(key, {"result": got[key], "rule": "", "events": []})
                oracle.check(got[key] == int(value), answer, value)
    return oracle.report()


def check_failures(program, name, lines, expected):
    """expected: the address that must be named, None for no failure."""
    oracle = Oracle(name)
    for answer, ip in zip(ask(program, "exim", lines), expected):
        if answer.result == "unclaimed":
            continue
        if ip is None:
            oracle.check(not answer.has("auth-fail"), answer, "no auth-fail")
        else:
            oracle.check(answer.has("auth-fail", ip=ip), answer, "auth-fail %s" % ip)
    return oracle.report()


def check_fail2ban(program):
    lines, expected = [], []
    for row in open(os.path.join(CORPUS, "fail2ban", "oracle.jsonl"), encoding="utf-8"):
        row = json.loads(row)
        if row["file"] not in ("exim", "exim-spam"):
            continue
        failure = " authenticator failed for " in row["line"]
        lines.append(row["line"].encode())
        expected.append(row["expect"].get("host") if failure else None)
    return check_failures(program, "fail2ban", lines, expected)


def check_crowdsec(program):
    """No expectations are stored with the logs: the address is the last in
    brackets before the reply code, as their grok pattern has it."""
    lines, expected = [], []
    for test in ("exim-bf", "exim-logs", "exim-spam", "exim-syslog-logs"):
        directory = os.path.join(CORPUS, "crowdsec", "tests", test)
        for name in sorted(os.listdir(directory)):
            for line in read_lines(os.path.join(directory, name)):
                match = re.search(
                    rb" authenticator failed for .*\[([0-9.]+)\](?::\d+)?: 535", line
                )
                lines.append(line)
                expected.append(match.group(1).decode() if match else None)
    return check_failures(program, "crowdsec", lines, expected)


def main():
    if not os.path.isdir(os.path.join(CORPUS, "exim-testsuite")):
        print("skipped: no corpus at %s" % CORPUS)
        return SKIPPED
    checks = (check_suite, check_exporter, check_fail2ban, check_crowdsec)
    results = [check(sys.argv[1]) for check in checks]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

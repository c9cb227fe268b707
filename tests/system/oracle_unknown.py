#!/usr/bin/env python3
"""The share of lines that name a queue id and are not understood, for each mail server.

usage: oracle_unknown.py PATH/TO/corpus

Reads the logs under $MAILAUDIT_SHARED/corpus (default: ../shared beside the source tree), captured
from real servers and written by others, and those of tests/replay; exits 77 (skipped) when the
former are absent. Exim's own test suite is oracle_exim.py's. Fails when the share of a server is one
in a hundred or more.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

# For each parser: a line of its server that names a queue id; the logs, as patterns below the corpus
# and below tests/replay; files of JSON rows whose "line" is one; how many lines there are at least.
SERVERS = {
    "postfix": {
        "names_id": r"postfix(?:-\w+)?(?:/[\w-]+)*\[\d+\]: (?:[0-9A-F]{6,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}): ",
        "corpus": ("captured/postfix-*.log", "crowdsec/tests/*/*.log"),
        "rows": ("msimerson/oracle.jsonl", "fail2ban/oracle.jsonl"),
        "replay": ("postfix-*/logs/mail.log",),
        "least": 3000,
    },
    "exim": {
        "names_id": r"(?:^|\s)(?:\[\d+\] )?[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} ",
        "corpus": ("captured/exim-*.log", "crowdsec/tests/*/*.log"),
        "rows": ("fail2ban/oracle.jsonl",),
        "replay": ("exim-*/logs/exim/mainlog", "exim-*/logs/mail.log"),
        "least": 1000,
    },
    "sendmail": {
        "names_id": r"(?:sendmail|sm-mta|sm-msp-queue|sm-que)\[\d+\]: [0-9A-Za-z]{14}: ",
        "corpus": ("captured/sendmail-*.log", "fluent-sendmail/maillog"),
        "rows": ("fail2ban/oracle.jsonl",),
        "replay": ("sendmail-*/logs/mail.log",),
        "least": 300,
    },
    "opensmtpd": {
        "names_id": r" smtpd\[\d+\]: .*(?:msgid=|evpid=| message [0-9a-f]{8} | for [0-9a-f]{16}: )",
        "corpus": ("captured/opensmtpd-*.log",),
        "rows": (),
        "replay": ("opensmtpd-*/logs/mail.log",),
        "least": 500,
    },
    "qmail": {
        "names_id": r"^@[0-9a-f]{24} .*\bmsg \d+",
        "corpus": (),
        "rows": (),
        "replay": ("qmail-*/logs/current",),
        "least": 500,
    },
}
REPLAY = Path(__file__).resolve().parent.parent / "replay"
# Not the server's own words: drafts of the snippets' lines, which they do not write.
NOT_ITS_LINE = re.compile(r" mailaudit php uid=\d+ login=\w+ script=\"\" |: [0-9A-Za-z]{14}\.phpscript=")


def shared():
    top = Path(__file__).resolve().parent.parent.parent
    return Path(os.environ.get("MAILAUDIT_SHARED", top.parent / "shared")) / "corpus"


def lines_of(root, server):
    for where, patterns in ((root, server["corpus"]), (REPLAY, server["replay"])):
        for log in sorted(log for pattern in patterns for log in where.glob(pattern)):
            yield from log.read_text(errors="surrogateescape").splitlines()
    for name in server["rows"]:
        for row in open(root / name, encoding="utf-8"):
            yield json.loads(row)["line"].replace("\n", " ")


def results(corpus, parser, lines):
    text = "".join(line + "\n" for line in lines).encode(errors="surrogateescape")
    out = subprocess.run([corpus, "--json", parser, "-"], input=text, stdout=subprocess.PIPE, check=True)
    return [json.loads(row)["result"] for row in out.stdout.decode().splitlines()]


def check(corpus, root, name):
    server = SERVERS[name]
    names_id = re.compile(server["names_id"])
    lines = [line for line in lines_of(root, server) if names_id.search(line) and
             not NOT_ITS_LINE.search(line)]
    told = results(corpus, name, lines)
    unknown = [line for line, result in zip(lines, told, strict=True) if result == "unknown"]
    print(f"{name}: {len(lines)} lines name a queue id, {len(unknown)} not understood "
          f"({100 * len(unknown) / max(len(lines), 1):.2f} %)")
    for line in unknown:
        print(f"{name}: unknown: {line[:160]!a}")
    return len(lines) >= server["least"] and 100 * len(unknown) < len(lines)


def main():
    root = shared()
    if not root.is_dir():
        print(f"skipped: no {root}")
        return 77
    good = [check(sys.argv[1], root, name) for name in SERVERS]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The share of lines that name a queue id and are not understood, for each mail server.

usage: oracle_unknown.py PATH/TO/corpus

Reads the logs under $MAILAUDIT_SHARED/corpus (default: ../shared beside the source tree), captured
from real servers and written by others; exits 77 (skipped) when they are absent. Exim's own test
suite is oracle_exim.py's. Nobody wrote down what lines of OpenSMTPD mean: those that were captured there
and for tests/replay must do. Fails when the share of a server is one in a hundred or more.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

NAMES_ID = {
    "postfix": re.compile(r"postfix(?:-\w+)?(?:/[\w-]+)*\[\d+\]: (?:[0-9A-F]{6,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}): "),
    "exim": re.compile(r"(?:^|\s)(?:\[\d+\] )?[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} "),
    "opensmtpd": re.compile(r" smtpd\[\d+\]: .*(?:msgid=|evpid=| message [0-9a-f]{8} | for [0-9a-f]{16}: )"),
}
OTHERS = {
    "postfix": ("msimerson/oracle.jsonl", "fail2ban/oracle.jsonl"),
    "exim": ("fail2ban/oracle.jsonl",),
    "opensmtpd": (),
}
# Not the server's own words: drafts of an ACL's line, which the snippets do not write.
NOT_ITS_LINE = re.compile(r" mailaudit php uid=\d+ login=\w+ script=\"\" ")
LEAST_LINES = {"postfix": 500, "exim": 100, "opensmtpd": 500}
REPLAY = Path(__file__).resolve().parent.parent / "replay"


def shared():
    top = Path(__file__).resolve().parent.parent.parent
    return Path(os.environ.get("MAILAUDIT_SHARED", top.parent / "shared")) / "corpus"


def lines_of(root, server):
    logs = sorted(root.glob(f"captured/{server}-*.log")) + sorted(root.glob("crowdsec/tests/*/*.log"))
    if server == "opensmtpd":
        logs += sorted(REPLAY.glob("opensmtpd-*/logs/mail.log"))
    for log in logs:
        yield from log.read_text(errors="surrogateescape").splitlines()
    for name in OTHERS[server]:
        for row in open(root / name, encoding="utf-8"):
            yield json.loads(row)["line"].replace("\n", " ")


def results(corpus, parser, lines):
    text = "".join(line + "\n" for line in lines).encode(errors="surrogateescape")
    out = subprocess.run([corpus, "--json", parser, "-"], input=text, stdout=subprocess.PIPE, check=True)
    return [json.loads(row)["result"] for row in out.stdout.decode().splitlines()]


def check(corpus, root, server):
    lines = [line for line in lines_of(root, server) if NAMES_ID[server].search(line) and
             not NOT_ITS_LINE.search(line)]
    told = results(corpus, server, lines)
    unknown = [line for line, result in zip(lines, told, strict=True) if result == "unknown"]
    print(f"{server}: {len(lines)} lines name a queue id, {len(unknown)} not understood "
          f"({100 * len(unknown) / max(len(lines), 1):.2f} %)")
    for line in unknown:
        print(f"{server}: unknown: {line[:160]!a}")
    return len(lines) >= LEAST_LINES[server] and 100 * len(unknown) < len(lines)


def main():
    root = shared()
    if not root.is_dir():
        print(f"skipped: no {root}")
        return 77
    good = [check(sys.argv[1], root, server) for server in NAMES_ID]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

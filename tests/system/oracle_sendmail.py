#!/usr/bin/env python3
"""Compares the Sendmail parser with what fluent-plugin-sendmail expects.

usage: oracle_sendmail.py PATH/TO/corpus

Reads $MAILAUDIT_SHARED/corpus (default: ../shared beside the source tree), whose lines and
expectations are third-party test data; exits 77 (skipped) when it is absent. Each row of the
oracle is one outcome of some recipients, with the fields of the from= line beside it. No field
may differ, and each recipient must have been told of.
"""
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

# One event for each recipient of each row, and the from= line.
RECORDED = 9


def shared():
    top = Path(__file__).resolve().parent.parent.parent
    return Path(os.environ.get("MAILAUDIT_SHARED", top.parent / "shared")) / "corpus" / "fluent-sendmail"


def strip(address):
    return address[1:-1] if address.startswith("<") else address


def events(corpus, log):
    """The parser's events as dictionaries, with their kind."""
    out = subprocess.run([corpus, "--print", "sendmail", log], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        if line.startswith("> "):
            kind, *fields = shlex.split(line[2:])
            yield dict([("kind", kind)] + [f.split("=", 1) for f in fields])


def wanted(row):
    """The outcomes of one row of the oracle, in our words."""
    status = {"sent": "sent", "sent_local": "sent", "deferred": "deferred"}[row["status_canonical"]]
    for address in row["to"]:
        want = {"kind": "delivery", "qid": row["qid"], "rcpt": strip(address), "status": status, "dsn": row["dsn"]}
        if "relay_to" in row:
            want["relay-ip"] = row["relay_to"]["ip"]
        yield want
    if "proto" in row:
        yield {"kind": "accept", "qid": row["qid"], "sender": strip(row["from"]), "size": row["size"],
               "nrcpt": row["nrcpts"], "mid": strip(row["msgid"]), "ip": row["relay_from"]["ip"]}


def main():
    root = shared()
    if not (root / "maillog").exists():
        print("skipped: no %s" % root)
        return 77
    got = list(events(sys.argv[1], root / "maillog"))
    seen, missing = set(), []
    with open(root / "oracle.jsonl", encoding="utf-8") as rows:
        for want in (w for row in rows for w in wanted(json.loads(row))):
            if any(all(e.get(k) == v for k, v in want.items()) for e in got):
                seen.add(json.dumps(want))
            else:
                missing.append(want)
    unknown = sum(e["kind"] == "unknown" for e in got)
    for want in missing:
        print("no event is", want)
    print("%d statements agree, %d do not, %d lines unknown" % (len(seen), len(missing), unknown))
    return 1 if missing or unknown or len(seen) < RECORDED else 0


sys.exit(main())

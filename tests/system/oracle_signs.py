#!/usr/bin/env python3
"""Signatures against answers and header arguments that others judged.

usage: oracle_signs.py PATH/TO/corpus [-v]

Reads $MAILAUDIT_SHARED (default: ../shared beside the source tree); without it,
says so and exits 77 (skipped). Prints "compared/agree/differ" for each oracle
and fails below the recorded numbers; -v lists what differs.

    bounces   bounce messages with the reason that another program gives each:
              the class of their Diagnostic-Code has to be one that goes with it.
    php       header arguments that PHP 8.2 logged for known calls: injection is
              told in those that inject, and in no other.
"""

import json
import os
import re
import subprocess
import sys

import oracle_exim as oracle

BOUNCES = os.path.join(oracle.CORPUS, "bounces")
CASES = os.path.join(oracle.CORPUS, "php-mail-log", "cases.jsonl")
oracle.RECORDED["bounces"] = 85
oracle.RECORDED["php"] = 28

# Which of our classes goes with a reason; a reason that is not here says nothing
# that we tell apart.
CLASSES = {
    "userunknown": {"unknown_rcpt"},
    "hostunknown": {"unknown_rcpt"},
    "hasmoved": {"unknown_rcpt"},
    "suspend": {"unknown_rcpt"},
    "filtered": {"unknown_rcpt", "other"},
    "mailboxfull": {"quota"},
    "mesgtoobig": {"quota"},
    "exceedlimit": {"quota"},
    "authfailure": {"auth_policy"},
    "requireptr": {"auth_policy"},
    "blocked": {"ip_listed"},
    "badreputation": {"ip_listed"},
    "spamdetected": {"content_spam"},
    "virusdetected": {"content_spam"},
    "networkerror": {"route"},
    "expired": {"route", "defer"},
    "notcompliantrfc": {"other"},
    "norelaying": {"other"},
}
DIAGNOSTIC = re.compile(rb"^Diagnostic-Code:\s*[^;\n]*;\s*((?:.*\n)(?:[ \t]+.*\n)*)", re.I | re.M)
STATUS = re.compile(rb"^Status:\s*(\d\.\d+\.\d+)", re.I | re.M)

# The cases of cases.jsonl that put fields of their own into the headers, by the
# calls' code, and the rule that can tell so without anything learned.
INJECTED = {"bcc_injected_blank_line": "INJ5", "subject_crlf": "INJ6"}


def ask(corpus, kind, lines):
    program = os.path.join(os.path.dirname(corpus), "signs_of")
    data = b"".join(line + b"\n" for line in lines)
    out = subprocess.run([program, kind], input=data, stdout=subprocess.PIPE, check=True)
    said = out.stdout.decode().splitlines()
    assert len(said) == len(lines), "one answer for each line"
    return said


def bounces():
    """(reason, line) of each message that has one recipient and says why."""
    with open(os.path.join(BOUNCES, "oracle.jsonl"), encoding="utf-8") as f:
        wanted = [json.loads(line) for line in f]
    for entry in wanted:
        path = os.path.join(BOUNCES, entry["file"])
        if len(entry["facts"]) != 1 or not os.path.exists(path):
            continue
        with open(path, "rb") as f:
            raw = f.read()
        texts, status = DIAGNOSTIC.findall(raw), STATUS.findall(raw)
        # A soft line break of quoted-printable text leaves half an answer.
        if len(texts) != 1 or texts[0].rstrip().endswith(b"="):
            continue
        text = b" ".join(texts[0].split())
        yield entry["facts"][0]["reason"], (status or [b"-"])[0] + b" bounced " + text


class Counts(oracle.Oracle):
    """Tells all that differs, when asked."""

    def __init__(self, name, verbose):
        super().__init__(name)
        self.verbose = verbose

    def count(self, good, text):
        self.agree += good
        self.differ += not good
        if not good and self.verbose:
            print("differs: " + text)


def compare_bounces(corpus, counts):
    pairs = [(reason, line) for reason, line in bounces() if reason in CLASSES]
    for (reason, line), said in zip(pairs, ask(corpus, "response", [p[1] for p in pairs])):
        counts.count(said.split()[0] in CLASSES[reason],
                     "%s is %s: %s" % (reason, said, line.decode("latin-1")[:160]))


def compare_calls(corpus, counts):
    with open(CASES, encoding="utf-8") as f:
        cases = [json.loads(line) for line in f]
    cases = [c for c in cases if c["physical_lines"] == 1 and " -- Headers: " in c["log"]]
    lines = []
    for case in cases:
        rest = case["log"].rstrip("\n").split(" -- Headers: ", 1)[1]
        headers, _, subject = rest.rpartition(" -- Subject: ")
        lines.append((headers.replace("\t", " ") + "\t" + subject).encode("utf-8", "replace"))
    for case, said in zip(cases, ask(corpus, "headers", lines)):
        wanted = INJECTED.get(case["case"])
        fired = said.split()[:-1]
        counts.count(wanted in fired if wanted else not fired, case["case"] + ": " + said)


def main():
    if not os.path.exists(CASES) or not os.path.exists(BOUNCES):
        print("skipped: no %s" % oracle.CORPUS)
        return oracle.SKIPPED
    verbose = "-v" in sys.argv
    good = True
    for name, compare in (("bounces", compare_bounces), ("php", compare_calls)):
        counts = Counts(name, verbose)
        compare(sys.argv[1], counts)
        good = counts.report() and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

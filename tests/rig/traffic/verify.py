"""verify.py CASE-DIRECTORY: do the captured logs bear out truth.jsonl?

Looks only for what no one can dispute: for every expected recipient the last delivery line that names
it. It is deliberately cruder than mailaudit's parsers, and exists so that a wrong truth is not taken
for a wrong parser. Prints what differs; exit status 1 if anything does.
"""
import glob
import json
import os
import re
import sys

POSTFIX = re.compile(rb"\]: [0-9A-Za-z]+: to=<(.*?)>, (?:orig_to=<(.*?)>, )?relay=.*? status=([a-z-]+)")
EXIM = re.compile(rb" (=>|->|\*\*|==) (\S+)(?: \([^)]*\))?(?: <([^>]*)>)?")
SENDMAIL = re.compile(rb"(?:sm-mta|sendmail)\[\d+\]: \w+: to=(.*?), .*?dsn=(\d)(?!.*\(\w+ Message accepted)")      # not: handed to the MTA
OPENSMTPD = re.compile(rb" m[td]a delivery evpid=\w+ from=<.*?> to=<(.*?)> (?:rcpt=<(.*?)> )?.*? result=\"?(\w+)")
OPENSMTPD_WORD = {b"Ok": "sent", b"PermFail": "bounced", b"TempFail": "deferred"}
EXIM_WORD = {b"=>": "sent", b"->": "sent", b"**": "bounced", b"==": "deferred"}
SENDMAIL_WORD = {b"2": "sent", b"5": "bounced", b"4": "deferred"}


def lines(directory):
    for path in sorted(glob.glob(os.path.join(directory, "logs", "*")) + glob.glob(os.path.join(directory, "logs/exim/mainlog"))):
        if os.path.isfile(path) and "php" not in path and ".rfc" not in path:
            with open(path, "rb") as file:
                yield from file


def outcomes(directory):
    """recipient -> last outcome that any line tells"""
    seen = {}
    for line in lines(directory):
        match = POSTFIX.search(line)
        if match and b"]:10024, " not in line:      # only handed to the content filter
            for address in filter(None, match.group(1, 2)):
                seen[address.decode("latin-1")] = {"expired": "bounced", "force-expired": "bounced"}.get(
                    match.group(3).decode(), match.group(3).decode())
            continue
        match = OPENSMTPD.search(line)
        if match:
            for address in filter(None, match.group(1, 2)):
                seen[address.decode("latin-1")] = OPENSMTPD_WORD[match.group(3)]
            continue
        match = EXIM.search(line)
        if match:
            for address in filter(None, match.group(2, 3)):
                seen[address.decode("latin-1").rstrip(":")] = EXIM_WORD[match.group(1)]
            continue
        match = SENDMAIL.search(line)
        if match:
            for address in match.group(1).split(b","):
                seen[address.strip(b"<>").decode("latin-1")] = SENDMAIL_WORD.get(match.group(2), "?")
    return seen


def differences(directory):
    seen = outcomes(directory)
    with open(os.path.join(directory, "truth.jsonl"), encoding="utf-8") as file:
        for row in map(json.loads, file):
            for recipient, expected in row["outcome"].items():
                if row["token"] and row["token"] not in recipient or '"' in recipient or expected == "removed" \
                        or "expire" in (row["note"] or ""):
                    continue
                told = seen.get(recipient, "rejected")
                if told != expected:
                    yield "%s (%s): expected %s, logged %s" % (recipient, row["note"], expected, told)


found = list(differences(sys.argv[1]))
print("\n".join(found[:20]) or "truth agrees with the logs")
sys.exit(bool(found))

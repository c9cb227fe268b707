#!/usr/bin/env python3
"""PHP mail.log parser against lines that PHP 8.2 wrote for known calls.

usage: oracle_php.py PATH/TO/corpus

cases.jsonl gives, for each case, the script, its code and the bytes PHP logged.
The expectations are made from the script's name and the code, never from the
log line. Skipped (77) without $MAILAUDIT_SHARED (default: ../shared beside the
source tree). Prints "compared/agree/differ".
"""

import json
import os
import re
import sys

import oracle_exim as oracle

CASES = os.path.join(oracle.CORPUS, "php-mail-log", "cases.jsonl")
oracle.RECORDED["php"] = 197

# Cases where PHP's line does not tell its parts apart, and what we must make of
# them: the first " -- Headers: ", the last " -- Subject: ", the first
# "]: To: " behind digits. The script is right, or a directory above it.
AMBIGUOUS = {
    "subject_forge_sep": {"to", "script", "line"},
    "to_forge_sep": {"subject", "script", "line"},
    "headers_forge_subject_sep": {"to", "subject", "script", "line"},
    "to_folded_forged_line": {"script", "line"},
    "subject_folded_nohdr": {"to", "script", "line"},
    "subject_folded_hdr": {"to", "script", "line"},
    "path_bracket_colon": set(),
}
# No literal arguments in the code, several calls, or a file PHP does not name.
SPECIAL = {"callbacks", "shutdown", "long_to", "cli_r", "stdin", "eval_code", "eval_nested"}


def php_string(text):
    """The value of a PHP literal, as the log shows it: line ends are blanks."""
    quote, body = text[0], text[1:-1]
    if quote == '"':
        body = re.sub(
            r"\\(x[0-9a-fA-F]{2}|.)",
            lambda m: {"r": "\r", "n": "\n", "t": "\t"}.get(m.group(1))
            or (chr(int(m.group(1)[1:], 16)) if m.group(1)[0] == "x" else m.group(1)),
            body,
        )
    return body.replace("\r", " ").replace("\n", " ")


LITERAL = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(r"\bmail\(%s,%s,%s(?:,%s)?\)" % ((LITERAL,) * 4))


def shown(text):
    """As the corpus runner's JSON has it: unprintable bytes are \\xNN."""
    out = []
    for c in text:
        if ord(c) < 32 or ord(c) == 127:
            out.append("\\x%02x" % ord(c))
        else:
            out.append(c)
    return "".join(out)


def blanked(literal):
    """mail() itself makes control bytes of To and Subject blanks."""
    return "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in php_string(literal))


def expected(case):
    name = case["case"]
    if name == "callbacks":
        return [
            {"script": case["script"], "line": 2, "to": "v@example.net", "subject": "callback"},
            {"script": case["script"], "line": 3, "to": "v1@example.net", "subject": "mapped"},
            {"script": case["script"], "line": 3, "to": "v2@example.net", "subject": "mapped"},
        ]
    if name == "shutdown":
        return [{"to": "v@example.net", "subject": "shutdown"}]
    if name == "long_to":
        to = ", ".join("user%d@example.net" % i for i in range(1, 301))
        return [{"script": case["script"], "line": 2, "to": to, "subject": "bulk"}]
    if name in ("eval_code", "eval_nested"):
        return [{"script": case["script"], "line": 2, "eval": 1, "to": "v@example.net"}]
    if name in ("cli_r", "stdin"):
        file = "Command line code" if name == "cli_r" else "Standard input code"
        return [{"script": file}]
    match = CALL.search(case["code"])
    values = {"script": case["script"], "line": 2}
    if match:
        values["to"], values["subject"] = (blanked(match.group(i)) for i in (1, 2))
        if match.group(4) and "$" not in match.group(4):
            values["headers"] = shown(php_string(match.group(4)))
    if name in AMBIGUOUS:
        values = {k: v for k, v in values.items() if k in AMBIGUOUS[name]}
    if name == "latin1_bytes":
        values["subject"] = "caf\ufffd"  # as cases.jsonl keeps the byte
    return [values]


def compare(counts, case, lines, answers):
    calls = [event for a in answers for event in a.events]
    wanted = expected(case) if case["physical_lines"] else []
    counts.check(len(calls) == len(wanted), answers[0] if answers else None, case["case"])
    for event, values in zip(calls, wanted):
        for key, value in values.items():
            good = event.get(key) == value or (value == "" and key not in event)
            counts.check(good, answers[0], "%s %s=%r" % (case["case"], key, value))
        if case["script"].startswith("/") and "script" in event:
            own = event["script"].startswith("/".join(case["script"].split("/")[:3]))
            own = own or event["script"].endswith(" code")
            counts.check(own, answers[0], "%s: somebody else's script" % case["case"])


def main():
    if not os.path.exists(CASES):
        print("skipped: no %s" % CASES)
        return oracle.SKIPPED
    counts = oracle.Oracle("php")
    with open(CASES, encoding="utf-8") as f:
        for case in map(json.loads, f):
            log = case["log"].encode("utf-8", "surrogateescape")
            lines = [line for line in log.split(b"\n") if line]
            compare(counts, case, lines, oracle.ask(sys.argv[1], "php", lines))
    return 0 if counts.report() else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compares the Postfix parser with what other people's parsers expect.

usage: oracle_postfix.py PATH/TO/corpus

Reads $MAILAUDIT_SHARED/corpus (default: ../shared beside the source tree),
whose lines and expectations are third-party test data; exits 77 (skipped) when
it is absent. Every expected field that an event of ours has is compared. A line
that is noise to us (connections, TLS, statistics) has no fields; a line that is
unknown to us counts as a difference. Fails under the recorded numbers.
"""
import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

# Compared fields that must agree at least; no field may differ.
RECORDED = {"whyscream": 117, "msimerson": 104, "fail2ban": 98, "crowdsec": 24}

# Not log lines of Postfix, with the reason.
NOT_A_LINE = [
    (r"^(helo|ehlo)=", "a fragment: the counters of a disconnect line"),
    (r"^dane[:/]", "a fragment: the value of tls="),
    (r"^(to|uid|from|message-id)=|^sender non-delivery", "the statement without its queue id"),
    (r"^Jul  5 06:52:11|^Jan 6 08:39", "a whole line given as a body"),
    (r"to=<56597@con$", "cut inside the recipient: we refuse it, and so does the oracle"),
]

SERVICE = {"TLS_FEATURES": "smtp", "COMMAND_COUNTER_DATA": "smtpd", "TRIVIAL_REWRITE": "trivial-rewrite"}


def shared():
    top = Path(__file__).resolve().parent.parent.parent
    return Path(os.environ.get("MAILAUDIT_SHARED", top.parent / "shared")) / "corpus"


def strip(address):
    return address[1:-1] if address.startswith("<") and address.endswith(">") else address


def relay(text, out):
    """"host[ip]:port" as our two fields."""
    m = re.match(r"^(.*)\[(.*)\](:\d+)?$", text)
    if m:
        out["relay"], out["relay-ip"] = m.group(1), m.group(2)
    elif text != "none":
        out["relay"] = text


def client(text, out):
    m = re.match(r"^(.*)\[(.*)\](:\d+)?$", text)
    out["client"] = "" if m.group(1) == "unknown" else m.group(1)
    out["ip"] = m.group(2)


def pairs(text):
    """"to=<a>, relay=b" or "from=<a> to=<b>" as our fields."""
    out = {}
    names = {"to": "rcpt", "orig_to": "orig", "from": "sender", "helo": "helo", "dsn": "dsn",
             "size": "size", "nrcpt": "nrcpt"}
    for key, value in re.findall(r"(\w+)=(<[^>]*>|[^, ]*)", text):
        if key == "relay":
            relay(value, out)
        elif key in names:
            out[names[key]] = strip(value)
    return out


def whyscream(root):
    direct = {"postfix_queueid": "qid", "postfix_bounce_queueid": "next", "postfix_message-id": "mid",
              "postfix_from": "sender", "postfix_status_code_enhanced": "dsn",
              "postfix_relay_hostname": "relay", "postfix_relay_ip": "relay-ip",
              "postfix_client_ip": "ip", "postfix_smtp_response": "text",
              "postfix_local_response": "text", "postfix_pipe_response": "text",
              "postfix_error_response": "text"}
    for raw in open(root / "oracle.dev.jsonl"):
        row = json.loads(raw)
        name = re.search(r"POSTFIX_(\w+)", row["pattern"]).group(1)
        program = "postfix/" + SERVICE.get(name, name.lower())
        want = pairs(row["expect"].get("postfix_keyvalue_data", ""))
        for key, value in row["expect"].items():
            if key in direct and value != "NOQUEUE":
                want[direct[key]] = str(value)
            elif key == "postfix_client_hostname":
                want["client"] = "" if value == "unknown" else value
            elif key == "postfix_status":
                want["status"] = value
        if "relay" in want and "ip" in want:
            del want["ip"]
        yield row["line"], program, want


def msimerson(root):
    direct = {"qid": "qid", "message-id": "mid", "size": "size", "nrcpt": "nrcpt", "to": "rcpt",
              "orig_to": "orig", "dsn": "dsn", "sasl_method": "auth", "sasl_username": "login",
              "dsnQid": "next", "forwardedAs": "next", "uid": "uid", "from": "sender",
              "resent-message-id": "value", "host": "host", "prog": "program", "pid": "pid"}
    for raw in open(root / "oracle.jsonl"):
        row = json.loads(raw)
        expect = row["expect"]
        if not expect:
            continue
        want = {direct[k]: v for k, v in expect.items() if k in direct}
        whole = row["group"] == "syslogLines"
        if not whole:
            for key in ("host", "program", "pid"):
                want.pop(key, None)
        if "relay" in expect:
            relay(expect["relay"], want)
        if "client" in expect:
            client(expect["client"], want)
        m = re.match(r"^(\w+) \((.*)\)$", expect.get("status", ""), re.S)
        if m:
            want["status"], want["text"] = m.groups()
        daemon = "postfix/postscreen" if row["line"].startswith("WHITELISTED") else "postfix"
        yield row["line"], None if whole else daemon, want


def fail2ban(root):
    for raw in open(root / "oracle.jsonl"):
        row = json.loads(raw)
        if row["file"] != "postfix" or not row["expect"].get("match"):
            continue
        want = {"ip": row["expect"]["host"]}
        if "time" in row["expect"]:
            want["time"] = re.sub(r"-(\d)T", r"-0\1T", row["expect"]["time"])[5:19]
        yield row["line"], None, want


def crowdsec(root):
    direct = {"pid": "pid", "program": "program", "remote_addr": "ip", "helo": "helo", "from": "sender",
              "to": "rcpt", "smtp_enhanced_status_code": "dsn", "username": "login"}
    for test in sorted(root.glob("tests/post*")):
        rows = {}
        for m in re.finditer(r'^results\["s01-parse"\]\["crowdsecurity/postfix-logs"\]\[(\d+)\]\.Evt\.'
                             r'Parsed\["(\w+)"\] == (".*")$', (test / "parser.assert").read_text(), re.M):
            rows.setdefault(int(m.group(1)), {})[m.group(2)] = ast.literal_eval(m.group(3))
        lines = [l for log in sorted(test.glob("*.log")) for l in log.read_text().splitlines()]
        for line in lines:
            found = [r for r in rows.values() if r.get("message") and line.endswith(r["message"])]
            want = {direct[k]: strip(v) for k, v in (found[0] if found else {}).items() if k in direct}
            if "@" in want.get("helo", ""):  # they call the refused address "helo"
                del want["helo"]
            yield line, None, want


def parse(corpus, program, lines):
    command = [corpus, "--json"] + (["--program", program] if program else []) + ["postfix", "-"]
    text = "".join(l.replace("\n", " ") + "\n" for l in lines)
    out = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(l) for l in out.decode().splitlines()]


def ours(result, key):
    """All values our events give for a field; None: we have no such field here."""
    if key in ("host", "program", "pid"):
        return [str(result.get(key, ""))]
    if key == "time":
        return [result["time"][5:19]]
    return [str(e.get(key, "")) for e in result["events"]]


def same(key, want, got):
    if key == "status" and want == "forwarded":
        want = "sent"
    return want in got or (want == "unknown" and "" in got)


def compare(name, rows, corpus):
    count = dict.fromkeys(("lines", "compared", "agree", "differ", "noise", "fragments"), 0)
    groups = {}
    for line, program, want in rows:
        if any(re.search(p, line) for p, _ in NOT_A_LINE) or not line:
            count["fragments"] += 1
        else:
            groups.setdefault(program, []).append((line, want))
    for program, group in groups.items():
        for (line, want), result in zip(group, parse(corpus, program, [l for l, _ in group])):
            count["lines"] += 1
            count["noise"] += result["result"] == "noise"
            fields = want if result["events"] else {k: v for k, v in want.items()
                                                    if k in ("host", "program", "pid", "time")}
            if result["result"] == "unknown":
                count["differ"] += 1
                print(f"{name}: unknown: {line[:160]}")
            for key, value in fields.items():
                count["compared"] += 1
                good = same(key, value, ours(result, key))
                count["agree" if good else "differ"] += 1
                if not good:
                    print(f"{name}: {key}: want {value!r}, got {ours(result, key)}: {line[:160]}")
    print(name + ": " + ", ".join(f"{v} {k}" for k, v in count.items()))
    return count["agree"] >= RECORDED[name] and count["differ"] == 0


def main():
    root = shared()
    if not root.is_dir():
        print(f"skipped: no {root}")
        return 77
    sources = {"whyscream": whyscream, "msimerson": msimerson, "fail2ban": fail2ban, "crowdsec": crowdsec}
    good = [compare(n, f(root / n), sys.argv[1]) for n, f in sources.items()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

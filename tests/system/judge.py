"""Holds what mailaudit stored against what was really sent (truth.jsonl).

A message is found by its token, which is in a recipient's address, so nothing the
log leaves out or a sender forges can spoil the comparison.
"""
import collections
import json
import re
import subprocess

TOKEN = re.compile(r"t\d{6}")


def read_truth(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_messages(mailaudit, database, *filters):
    """All stored messages, as `mailaudit messages` tells them."""
    run = subprocess.run([mailaudit, "--db", database, "--format", "jsonl", "messages", "--limit", "0", *filters],
                         check=False, capture_output=True)
    if run.returncode not in (0, 1):
        raise RuntimeError(run.stderr.decode(errors="replace"))
    return [json.loads(line) for line in run.stdout.splitlines()]


def tokens_of(message):
    found = set()
    for r in message["recipients"]:
        found.update(TOKEN.findall(r["address"]))
        found.update(TOKEN.findall(r["orig_to"] or ""))
    return found


def script_right(truth, message):
    """The script itself; or, where a library called mail(), the site or directory it sent for."""
    script = message["script"] or ""
    if script == truth["script"]:
        return True
    return bool(truth["library"]) and len(script) > 1 and truth["script"].startswith(script.rstrip("/") + "/")


class Verdict:
    def __init__(self):
        self.n = collections.Counter()
        self.wrong = []

    def note(self, what, right, truth, message):
        self.n[what] += 1
        self.n[what + " right"] += bool(right)
        if not right:
            self.wrong.append((what, truth, message))

    def share(self, what):
        return self.n[what + " right"] / self.n[what] if self.n[what] else 1.0

    def text(self):
        return ", ".join("%s %d/%d" % (w, self.n[w + " right"], self.n[w])
                         for w in ("found", "account", "script", "outcome") if self.n[w])

    def explain(self, most=5):
        for what, truth, message in self.wrong[:most]:
            print("  wrong", what, json.dumps(truth)[:600])
            print("        ", json.dumps(message)[:900])


def compare(truth, messages):
    """Every message that had to reach the queue: found once, account, script, outcome of each recipient."""
    by_token = collections.defaultdict(list)
    for m in messages:
        if m["channel"] == "internal":
            continue
        for token in tokens_of(m):
            by_token[token].append(m)
    v = Verdict()
    for t in truth:
        named = any(t["token"] and t["token"] in r for r in t["recipients"])
        if not named or not t["queued"] or t["channel"] == "inbound":
            continue
        found = [m for m in by_token[t["token"]] if m["queue_id"] != "NOQUEUE"]
        v.note("found", len(found) == 1, t, found)
        if len(found) != 1:
            continue
        m = found[0]
        v.note("account", m["account"] == t["account"], t, m)
        v.note("blamed", m["account"] in (None, "", t["account"]), t, m)
        if t["script"] and "\n" not in t["script"]:
            v.note("script", script_right(t, m), t, m)
        stored = {r["address"].lower(): r["status"] for r in m["recipients"]}
        for address, outcome in (t["outcome"] or {}).items():
            if outcome in ("sent", "bounced", "deferred") and not address.startswith('"'):
                got = stored.get(address.lower())
                # the sender got a bounce, whether the server or its administrator gave up
                v.note("outcome", got == outcome or (outcome, got) == ("bounced", "expired"), (address, outcome), m)
    return v

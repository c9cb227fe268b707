"""truth.jsonl: one object for every message that was submitted, written when it is submitted.

token           unique, part of the local part of at least one recipient (or null: see group)
group           name shared by messages that cannot be told apart by recipient
mta, channel    postfix|exim|sendmail|opensmtpd|qmail; local|auth|smtp|php|inbound
account         the hosting account that is behind the message, or null if none is
login, client   SASL login and client address, where there are any
uid             the Unix uid that handed the message over, or null
script, script_line   full path and line of the PHP script to blame; line null if a library called mail()
library, library_line the library file that called mail(), or null
sender          envelope sender, "" for the null sender, null if left to the server
recipients, outcome   envelope recipients; recipient -> sent|bounced|deferred|rejected
subject         as submitted
queued          whether the message is expected to get a queue id and stay (not be refused)
note            what is special about it, or null
"""
import json
import threading
import time

import world

FIELDS = ("token group mta channel account login client uid script script_line library library_line "
          "sender recipients outcome subject queued note").split()


class Truth:
    def __init__(self, path, first=1):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()
        self.next = first

    def token(self):
        with self.lock:
            self.next += 1
            return "t%06d" % (self.next - 1)

    def write(self, **fields):
        unknown = set(fields) - set(FIELDS)
        if unknown:
            raise ValueError("no such field: %s" % unknown)
        row = {name: fields.get(name) for name in FIELDS}
        row["time"] = round(time.time(), 3)
        row["queued"] = fields.get("queued", True)
        if row["outcome"] is None:
            taken = row["queued"] and world.takes(row["sender"], row["recipients"], row["mta"], row["channel"])
            row["outcome"] = {r: world.expected(r, row["mta"], row["channel"]) if taken else "rejected"
                              for r in row["recipients"]}
        if row["outcome"] and set(row["outcome"].values()) == {"rejected"}:
            row["queued"] = False
        with self.lock:
            self.file.write(json.dumps(row, ensure_ascii=True) + "\n")
            self.file.flush()

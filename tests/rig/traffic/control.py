"""What an administrator does to a mail queue, the same words for each server."""
import json
import os
import re
import subprocess
import time

import world

POSTFIX = {"hold": ["postsuper", "-h"], "release": ["postsuper", "-H"], "remove": ["postsuper", "-d"],
           "requeue": ["postsuper", "-r"], "expire": ["postsuper", "-e"], "expire-held": ["postsuper", "-f"]}
EXIM = {"hold": ["-Mf"], "release": ["-Mt"], "remove": ["-Mrm"], "requeue": ["-M"], "expire": ["-Mg"]}
# options before the id, and the end of the option that takes it
SENDMAIL = {"hold": ["-Qwait", "-qI"], "release": ["-qQ", "-Q", "-qI"], "retry": ["-qI"],
            "warn": ["-OTimeout.queuewarn=1s", "-qI"], "expire": ["-OTimeout.queuereturn=1s", "-qI"]}
SENDMAIL_COMMAND = "/usr/libexec/sendmail/sendmail"


def command(arguments):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).stdout.decode("utf-8", "replace")


def _postfix_queue():
    for line in command(["postqueue", "-j"]).splitlines():
        entry = json.loads(line)
        yield entry["queue_id"], " ".join(r["address"] for r in entry["recipients"])


def _exim_queue():
    identity = None
    for line in command(["/usr/sbin/exim4", "-bp"]).splitlines():
        words = line.split()
        if len(words) >= 4 and words[3].startswith("<"):
            identity = words[2]
        elif identity and words:
            yield identity, line


def _sendmail_queue():
    identity = None
    for line in (command([SENDMAIL_COMMAND, "-bp"]) + command([SENDMAIL_COMMAND, "-bp", "-qQ"])).splitlines():
        if re.match(r"[0-9A-Za-z]{14}\W", line):
            identity = line[:14]
        elif identity and line.strip().startswith("<"):
            yield identity, line


def _opensmtpd_queue():
    """One envelope a line: id|family|agent|flags|sender|recipient|destination|..."""
    for line in command(["/usr/sbin/smtpctl", "show", "queue"]).splitlines():
        fields = line.split("|")
        yield fields[0], fields[5]


QUEUES = {"postfix": _postfix_queue, "exim": _exim_queue, "sendmail": _sendmail_queue,
          "opensmtpd": _opensmtpd_queue}


def queue_id(mta, token, wait=10):
    """The queue id of the message with a token, once the queue shows it."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        for identity, addresses in QUEUES[mta]():
            if token in addresses:
                return identity
        time.sleep(0.2)
    raise LookupError("%s is not in the queue of %s" % (token, mta))


def act(mta, action, token):
    identity = queue_id(mta, token)
    if mta == "postfix":
        command(POSTFIX[action] + [identity])
    elif mta == "sendmail":
        *options, last = SENDMAIL[action]
        command([SENDMAIL_COMMAND, *options, last + identity])
    elif mta == "opensmtpd":
        command(["/usr/sbin/smtpctl", action, identity])
    else:
        command(["/usr/sbin/exim4"] + EXIM[action] + [identity])


def retry(mta):
    """Try everything in the queue now."""
    command({"postfix": ["postqueue", "-f"], "exim": ["/usr/sbin/exim4", "-qf"],
             "opensmtpd": ["/usr/sbin/smtpctl", "schedule", "all"]}[mta])


def later_accepts(yes=True):
    """later.example takes mail from now on."""
    if yes:
        open(world.LATER_FILE, "w", encoding="ascii").close()
    elif os.path.exists(world.LATER_FILE):
        os.unlink(world.LATER_FILE)

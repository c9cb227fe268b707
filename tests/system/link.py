#!/usr/bin/env python3
"""link.py BUILD_DIR [COUNT]: the exact link, for every way to send.

COUNT messages (1000) of four users go at once through real Postfix, and again through Exim: PHP's
mail(), Perl, Python and shell, with wrapper/mailaudit-sendmail as PHP's sendmail_path and as
/usr/sbin/sendmail. Each must be attributed by `ref`, to the right account and script. Before that,
what the wrapper makes of a message is held against what it was given.
"""
import collections
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attribution import rig, skip, write_world  # noqa: E402

# Inside: our program beside PHP's pools, and in the place of the server's sendmail.
INSTALL = """
mkdir -p /usr/libexec/mailaudit
install -m 755 /srv/rig/mailaudit-sendmail /usr/libexec/mailaudit/mailaudit-sendmail
ln -s mailaudit-sendmail /usr/libexec/mailaudit/mailaudit-ref
ln -sf /usr/libexec/mailaudit/mailaudit-ref /usr/local/bin/mailaudit-ref
mv /usr/sbin/sendmail /usr/sbin/sendmail.mailaudit
ln -s ../libexec/mailaudit/mailaudit-sendmail /usr/sbin/sendmail
"""

FAKE = """#!/usr/bin/python3 -I
import sys
sys.stdout.buffer.write(repr(sys.argv[1:]).encode() + b"\\n" + sys.stdin.buffer.read())
sys.exit(9)
"""

# What goes in, what comes out; HEADER is ours with its line end.
MESSAGES = (
    (b"To: a@b.example\n\nHello\n", b"HEADER\nTo: a@b.example\n\nHello\n"),
    (b"To: a@b.example\r\n\r\nHello\r\n", b"HEADER\r\nTo: a@b.example\r\n\r\nHello\r\n"),
    (b"From a Mon Nov 23\n>From b\nTo: c\n\nx", b"From a Mon Nov 23\n>From b\nHEADER\nTo: c\n\nx"),
    # no header at all: the body must not become part of ours
    (b" uid=0 cwd=/home/bob\n", b"HEADER\n\n uid=0 cwd=/home/bob\n"),
    (b"\nHello", b"HEADER\n\nHello"),
    (b"", b"HEADER\n"),
    (b"no line end", b"HEADER\nno line end"),
    (b"X-Mailaudit-Ref: v1 pid=1 uid=0 cwd=/\n\n", b"HEADER\nX-Mailaudit-Ref: v1 pid=1 uid=0 cwd=/\n\n"),
    (b"To: a\n\n" + bytes(range(256)) * 20000, b"HEADER\nTo: a\n\n" + bytes(range(256)) * 20000),
    (b"From " + b"x" * 9000 + b"\nTo: a\n\n", b"From " + b"x" * 9000 + b"\nTo: a\n\n"),
)
HEADER = re.compile(rb"X-Mailaudit-Ref: v1 pid=\d+ uid=\d+ cwd=[A-Za-z0-9/._%-]*( script=[A-Za-z0-9/._%-]+)?")


def wrap(program, message, *arguments, cwd=None):
    done = subprocess.run([program, *arguments], input=message, cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60)
    said, _, out = done.stdout.partition(b"\n")
    return done.returncode, said.decode(), out


def by_hand(build):
    """What becomes of messages, arguments and exit status; number of differences."""
    bad = 0
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as directory:
        ref, fake = os.path.join(directory, "mailaudit-ref"), os.path.join(directory, "fake")
        shutil.copy(os.path.join(build, "mailaudit-sendmail"), ref)
        with open(fake, "w", encoding="ascii") as out:
            out.write(FAKE)
        os.chmod(fake, 0o755)
        odd = os.path.join(directory, "a\nX-Evil: b uid=0\r\n" + "\udcff" * 60)
        os.mkdir(odd)
        for place in (directory, odd):
            for message, wanted in MESSAGES:
                status, said, out = wrap(ref, message, fake, "-t", "-i", "-f", "a b", "--", "x y", cwd=place)
                out = HEADER.sub(b"HEADER", out, count=1)
                if (status, said, out) != (9, repr(["-t", "-i", "-f", "a b", "--", "x y"]), wanted):
                    print("differs: %r gave %d %s %r" % (message[:60], status, said, out[:200]))
                    bad += 1
        longest = HEADER.search(wrap(ref, b"To: a\n\n", fake, cwd=odd)[2]).group(0)
        if len(longest) >= 200:
            print("differs: a header of %d bytes" % len(longest))
            bad += 1
        for mode in ("-bs", "-bp", "-q", "-I", "-Mc"):
            if wrap(ref, b"QUIT\r\n", fake, mode)[2] != b"QUIT\r\n":
                print("differs: %s got a header" % mode)
                bad += 1
        bad += in_trouble(directory, ref, fake)
        print("the wrapper takes %.1f ms (as it was built; median of 200 starts, beside those without it)" %
              (median_ms([ref, "/bin/true"]) - median_ms(["/bin/true"])))
    bad += ends_early(build)
    return bad


def median_ms(command):
    taken = []
    for _ in range(200):
        start = time.perf_counter()
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)])
        os.waitpid(pid, 0)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


def in_trouble(directory, ref, fake):
    """Whatever happens, the real one gets the message, and says how it ended; number of differences."""
    bad = 0
    script, huge = os.path.join(directory, "script"), b"To: a\n\n" + b"x" * (64 << 20)
    with open(script, "w", encoding="ascii") as out:  # no #!: the kernel does not run it, a shell does
        out.write('echo "$@"; cat; exit 7\n')
    os.chmod(script, 0o755)
    cases = (
        ("a script of the shell's", [ref, script, "-t", "a b"], b"", (7, b"-t a b\nHEADER\n")),
        ("a huge message", [ref, "/usr/bin/wc", "-c"], huge, None),
        ("no standard input", ["sh", "-c", 'exec "$@" <&-', "-", ref, "/bin/sh", "-c", "exit 5"], b"", (5, b"")),
        ("no standard output", ["sh", "-c", 'exec "$@" >&-', "-", ref, "/bin/sh", "-c", "exit 6"], b"", (6, b"")),
        ("a signal", [ref, "/bin/sh", "-c", "kill -TERM $$"], b"To: a\n\n", (-15, b"")),
        ("many arguments", [ref, fake] + ["-x%d" % n for n in range(5000)], b"", None),
    )
    for what, command, message, wanted in cases:
        done = subprocess.run(command, input=message, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=60)
        out = HEADER.sub(b"HEADER", done.stdout)
        if what == "a huge message":
            right = done.returncode == 0 and len(huge) < int(out) < len(huge) + 200
        elif what == "many arguments":
            right = done.returncode == 9 and out.count(b"'-x") == 5000
        else:
            right = (done.returncode, out) == wanted
        if not right:
            print("differs: %s: %d %r %r" % (what, done.returncode, out[:200], done.stderr[:200]))
            bad += 1
    return bad


def ends_early(build):
    """A sendmail that reads nothing ends at once, though the caller still holds its end."""
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as directory:
        ref = os.path.join(directory, "mailaudit-ref")
        shutil.copy(os.path.join(build, "mailaudit-sendmail"), ref)
        child = subprocess.Popen([ref, "/bin/sh", "-c", "exit 75"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
        out = child.stdout.read()  # ends only when nobody holds it any more
        status = child.wait(timeout=60)
        try:
            for _ in range(64):
                child.stdin.write(b"x" * 65536)
            child.stdin.close()
            print("differs: nobody reads, and the caller was not told")
            return 1
        except BrokenPipeError:
            child.stdin.raw.close()
    if status != 75 or out:
        print("differs: exit status %d, output %r" % (status, out))
        return 1
    return 0


def read_messages(mailaudit, config):
    out = subprocess.run([mailaudit, "--config", config, "messages", "--format", "jsonl"],
                         stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def by_token(mailaudit, config):
    found = {}
    for message in read_messages(mailaudit, config):
        for recipient in message["recipients"]:
            address = recipient["address"] if isinstance(recipient, dict) else recipient
            found[address.split("@")[0]] = message
    return found


def judge(truth, found, mta):
    """Prints the table; the number of messages that are not exact."""
    exact, wrong = collections.Counter(), []
    for row in truth:
        message = found.get(row["token"])
        if not row["sent"] or not message:
            wrong.append((row, "sent" if row["sent"] else "not sent"))
            continue
        got = (message["via"], message["account"], message["script"])
        if row["kind"] == "forged":
            if got[1] != row["account"] or got[2]:
                wrong.append((row, got))
            continue
        # PHP's own log knows the path, its header the name of the file
        if got[:2] == ("ref", row["account"]) and got[2] and \
                got[2] in (row["script"], os.path.basename(row["script"])):
            exact[row["kind"]] += 1
        else:
            wrong.append((row, got))
    print("%s: %d of %d exact by ref (%s)" % (mta, sum(exact.values()), len(truth) - 1, ", ".join(
        "%s %d" % pair for pair in sorted(exact.items()))))
    for row, got in wrong[:10]:
        print("  %s: %s" % (json.dumps(row), got))
    return len(wrong)


def settled(log, count):
    """Waits until the log of the server stands still (bounded)."""
    size, since, end = -1, time.time(), time.time() + 60
    while time.time() < end:
        now = os.path.getsize(log)
        if now != size:
            size, since = now, time.time()
        elif time.time() - since > 3 and size > count:
            return
        time.sleep(0.3)


def one_server(build, mta, count):
    mailaudit = os.path.join(build, "mailaudit")
    root = re.search(r"RIG=(\S+)", rig("up", mta, "php", "--snippets")).group(1)
    env = dict(os.environ, RIG=root)
    try:
        shutil.copy(os.path.join(build, "mailaudit-sendmail"), root)
        rig("exec", "--", "sh", "-ec", INSTALL, env=env)
        with tempfile.TemporaryDirectory(prefix="mailaudit-") as directory:
            config = write_world(directory, root)
            out = rig("exec", "--", "env", "PYTHONDONTWRITEBYTECODE=1", "python3",
                      "/srv/kit/traffic/link.py", mta, str(count), env=env)
            truth = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
            log = os.path.join(root, "log", "mail.log" if mta == "postfix" else "exim4/mainlog")
            settled(log, count)
            logs = [log, os.path.join(root, "log", "php-mail-www.log")]
            subprocess.run([mailaudit, "--config", config, "import", "--tz", "UTC", *logs], check=True,
                           stdout=subprocess.DEVNULL)
            return judge(truth, by_token(mailaudit, config), mta) + abs(count + 1 - len(truth))
    finally:
        rig("clean", env=env)


def main():
    if len(sys.argv) < 2:
        sys.exit(64)
    build = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    bad = by_hand(build)
    if bad:
        sys.exit(1)
    if os.geteuid() != 0:
        skip("the rig needs root")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        skip("no mount namespaces here")
    for mta in ("postfix", "exim"):
        bad += one_server(build, mta, count)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""import_terminal.py BUILD_DIR: what somebody sees who runs `mailaudit import` on a terminal.

The terminal is a real one (a pty) and a small one that shows what its bytes amount to: the bar must
fit into its width, also when that changes, go forward only, leave the line it was on, and not stand
between the words of a warning. Where standard error is no terminal, there is no bar.
"""
import fcntl
import os
import re
import select
import struct
import subprocess
import termios

from follow_common import Rig, lines, main

BAR = re.compile(r"(?:\[#* *\] {1,3})?(?: *(\d+)%)?(?:  )?(?:(\d+) lines(?:, \d+/s(?:, [\d:]+ left)?)?)?$")


def write(path, some):
    with open(path, "wb") as out:
        out.writelines(some)


class Terminal:
    """Bytes to screen lines; every line that was drawn over is remembered."""

    def __init__(self, columns):
        self.columns, self.screen, self.line, self.at = columns, [], [], 0
        self.drawn, self.wrapped, self.escapes = [], 0, 0

    def resize(self, columns):
        self.columns = columns

    def text(self):
        return "".join(self.line).rstrip()

    def take(self, data):
        for c in data.decode("latin-1"):
            if c == "\r":
                self.drawn.append(self.text())
                self.at = 0
            elif c == "\n":
                self.screen.append(self.text())
                self.line, self.at = [], 0
            else:
                self.escapes += c == "\x1b"
                if self.at == self.columns:
                    self.wrapped += 1
                    self.screen.append(self.text())
                    self.line, self.at = [], 0
                self.line[self.at:self.at + 1] = [c]
                self.at += 1


def on_terminal(rig, columns, *args, stdin=None, resize=None):
    """Runs an import on a terminal; (exit code, the terminal)."""
    ours, theirs = os.openpty()
    size = lambda n: fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, n, 0, 0))
    size(columns)
    job = subprocess.Popen([rig.mailaudit, "--config", rig.config, "import", *args],
                           stdin=stdin or theirs, stdout=theirs, stderr=theirs)
    terminal = Terminal(columns)
    while True:
        ready = select.select([ours], [], [], 0.05)[0]
        if ready:
            terminal.take(os.read(ours, 4096))
        elif job.poll() is not None:
            break
        if resize and any("lines" in text for text in terminal.drawn):
            size(resize)
            # What is under way was made for the old width.
            while select.select([ours], [], [], 0.02)[0]:
                terminal.take(os.read(ours, 4096))
            terminal.resize(resize)
            resize = None
    os.close(theirs)
    os.close(ours)
    return job.returncode, terminal


def bars(terminal):
    """The bars that were drawn; anything else that was drawn over is an error."""
    found = []
    for text in terminal.drawn:
        match = BAR.match(text)
        if match and (match[1] or match[2]):
            found.append((text, int(match[1]) if match[1] else None))
    return found


def drawn(build, columns, setup, *names, **more):
    """An import that takes long enough for three bars: however fast the machine is."""
    times = 20
    while True:
        with Rig(build) as rig:
            setup(rig, times)
            code, terminal = on_terminal(rig, columns, *(rig.path(n) for n in names), **more)
        found = bars(terminal)
        if len(found) >= 3 or times > 3000:
            return code, terminal, found
        times *= 3


def plain(rig, times):
    write(rig.path("mail.log"), lines(times))


def check(terminal, found, expect_wrapped=False):
    shares = [share for _, share in found]
    if terminal.escapes or (terminal.wrapped and not expect_wrapped):
        raise AssertionError("%d escapes, %d lines wrapped: %r" %
                             (terminal.escapes, terminal.wrapped, found[:3]))
    if None not in shares and shares != sorted(shares):
        raise AssertionError("it went back: %r" % shares)
    left = [text for text in terminal.screen if "%" in text or "lines," in text]
    if [text for text in left if "lines read" not in text]:
        raise AssertionError("a bar was left: %r" % left)


def widths(build):
    seen = []
    for columns in (100, 80, 62, 40, 20, 12):
        code, terminal, found = drawn(build, columns, plain, "mail.log")
        if columns >= 40: # the summary is a line of text, which may wrap
            check(terminal, found, expect_wrapped=columns < 60)
        if code or not found or max(len(text) for text, _ in found) >= columns:
            raise AssertionError("%d columns, exit code %d: %r" % (columns, code, found[:5]))
        if any(("[" in text) != (columns >= 62) for text, _ in found):
            raise AssertionError("%d columns: %r" % (columns, found[:5]))
        if found[0][1] is None:
            raise AssertionError("no share: %r" % (found[:5],))
        seen.append(found[-1][0])
    return "; ".join(seen[:2])


def narrower_meanwhile(build):
    code, _, found = drawn(build, 100, plain, "mail.log", resize=30)
    if code or len(found[0][0]) < 40 or len(found[-1][0]) >= 30:
        raise AssertionError("exit code %d: %r" % (code, (found[:1], found[-1:])))


def packed(build):
    """The share of packed files: to the end, though nobody knows their length before."""
    def setup(rig, times):
        plain(rig, times)
        subprocess.run(["gzip", rig.path("mail.log")], check=True)
    code, terminal, found = drawn(build, 80, setup, "mail.log.gz")
    check(terminal, found)
    if code or found[0][1] is None or found[0][1] > 90:
        raise AssertionError("exit code %d: %r" % (code, found))


def unknown_length(build):
    """What comes through a pipe has no share, but lines."""
    def setup(rig, times):
        plain(rig, times)
    times = 20
    while True:
        with Rig(build) as rig:
            setup(rig, times)
            cat = subprocess.Popen(["cat", rig.path("mail.log")], stdout=subprocess.PIPE)
            code, terminal = on_terminal(rig, 80, "-", stdin=cat.stdout)
            cat.wait()
        found = bars(terminal)
        if len(found) >= 2 or times > 3000:
            break
        times *= 3
    if code or not found or any(share is not None for _, share in found):
        raise AssertionError("exit code %d: %r" % (code, found[:5]))


def warning_between(build):
    """A file that is damaged in its middle is told of in a line of its own."""
    def setup(rig, times):
        plain(rig, times)
        subprocess.run(["gzip", "-1", rig.path("mail.log")], check=True)
        with open(rig.path("mail.log.gz"), "r+b") as damaged:
            damaged.truncate(os.path.getsize(rig.path("mail.log.gz")) * 3 // 4)
    code, terminal, found = drawn(build, 200, setup, "mail.log.gz")
    check(terminal, found)
    if code != 66 or not found or not any(re.match(r"mailaudit: .*mail\.log\.gz: ", text)
                                          for text in terminal.screen):
        raise AssertionError("exit code %d: %r" % (code, terminal.screen))


def quiet(build):
    """--quiet: no bar and nothing of what was taken; without a terminal no bar either."""
    with Rig(build) as rig:
        os.mkdir(rig.path("var"))
        write(rig.path("var", "mail.log"), lines(60))
        write(rig.path("var", "other.log"), [b"x\n"])
        code, terminal = on_terminal(rig, 80, "--quiet", rig.path("var"))
        if code or terminal.drawn[0] != terminal.screen[0] or \
                any("took" in text or "left" in text for text in terminal.screen):
            raise AssertionError("exit code %d: %r" % (code, terminal.screen))
    with Rig(build) as rig:
        write(rig.path("mail.log"), lines(60))
        done = subprocess.run([rig.mailaudit, "--config", rig.config, "import",
                               rig.path("mail.log")], capture_output=True, check=True)
        if done.stderr or b"\r" in done.stdout:
            raise AssertionError("%r, %r" % (done.stderr, done.stdout))


if __name__ == "__main__":
    main([widths, narrower_meanwhile, packed, unknown_length, warning_between, quiet])

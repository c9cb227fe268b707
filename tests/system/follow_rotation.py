#!/usr/bin/env python3
"""follow_rotation.py BUILD_DIR [TEST...]: a log is rotated in every way while the daemon reads it.

A writer appends real lines; in between, the log is rotated. At the end the database must say what
an import of the same lines says.
"""
import gzip
import lzma
import os
import shutil
import subprocess
import time

from follow_common import Rig, check_same, imported, lines, main

LINES = lines(6)
expected = {}


class Writer:
    """Writes LINES, a piece at a time."""

    def __init__(self, rig, mode="ab"):
        self.rig, self.at, self.mode = rig, 0, mode
        self.open("log")

    def open(self, name):
        self.file = open(self.rig.path(name), self.mode, buffering=0)

    def write(self, count):
        for line in LINES[self.at:self.at + count]:
            self.file.write(line)
        self.at += count

    def rest(self):
        self.write(len(LINES) - self.at)


def check(build, act, mode="ab", sources="  - path: log\n"):
    """act(rig, writer) is to write all the lines."""
    if not expected:
        expected.update(imported(build, LINES))
    with Rig(build, sources) as rig:
        rig.start()
        writer = Writer(rig, mode)
        act(rig, writer)
        writer.rest()
        rig.wait_for_lines(len(LINES))
        rig.stop()
        check_same(rig.dump(), expected, "after all")


def shift(rig, ending=""):
    """log.1 becomes log.2, and so on; returns the name that is free now."""
    for n in range(20, 0, -1):
        old = rig.path("log.%d%s" % (n, ending))
        if os.path.exists(old):
            os.rename(old, rig.path("log.%d%s" % (n + 1, ending)))
    return rig.path("log.1" + ending)


def rename(rig, new):
    os.rename(rig.path("log"), new)


def rename_create(build):
    def act(rig, writer):
        for _ in range(5):
            writer.write(500)
            rename(rig, shift(rig))
            writer.open("log")
    check(build, act)


def late_lines(build):
    def act(rig, writer):
        for n in range(5):
            writer.write(500)
            rename(rig, rig.path("log-2026112%d" % n))
            time.sleep(0.05)
            writer.write(50)
            open(rig.path("log"), "ab").close()
            time.sleep(0.3)
            writer.write(50)
            # Until here all went into the old file; wait, for order is part of the promise only
            # for what the daemon could see in order.
            rig.wait_for_lines(writer.at)
            writer.open("log")
    check(build, act)


def copytruncate(build):
    def act(rig, writer):
        for _ in range(5):
            writer.write(500)
            shutil.copyfile(rig.path("log"), shift(rig))
            os.truncate(rig.path("log"), 0)
    check(build, act)


def copytruncate_without_append(build):
    def act(rig, writer):
        for _ in range(5):
            writer.write(500)
            shutil.copyfile(rig.path("log"), shift(rig))
            os.truncate(rig.path("log"), 0)
            time.sleep(0.1)
    check(build, act, mode="wb")


def compress_at_once(build):
    def act(rig, writer):
        for n, pack in enumerate((gzip.open, lzma.open, gzip.open)):
            writer.write(500)
            name = rig.path("log.%d" % (3 - n))
            rename(rig, name)
            writer.open("log")
            writer.write(10)
            ending = ".gz" if pack is gzip.open else ".xz"
            with open(name, "rb") as plain, pack(name + ending, "wb") as packed:
                packed.write(plain.read())
            os.unlink(name)
    check(build, act)


def remove_create(build):
    def act(rig, writer):
        for _ in range(5):
            writer.write(500)
            rig.wait_for_lines(writer.at)  # what is removed before it was read is lost to all
            os.unlink(rig.path("log"))
            writer.file.close()
            writer.open("log")
    check(build, act)


def remove_create_same_inode(build):
    """While the daemon is away the new file gets the old one's inode number, as it can."""
    reused = []

    def act(rig, writer):
        for _ in range(3):
            writer.write(500)
            rig.wait_for_lines(writer.at)
            rig.stop()
            inode = os.stat(rig.path("log")).st_ino
            writer.file.close()
            os.unlink(rig.path("log"))
            writer.open("log")
            reused.append(os.stat(rig.path("log")).st_ino == inode)
            writer.write(600)
            rig.start()
    check(build, act)
    return "inode number reused %d of %d times" % (sum(reused), len(reused))


def symlink_swap(build):
    def act(rig, writer):
        os.unlink(rig.path("log"))
        os.mkdir(rig.path("real"))
        for n in range(5):
            writer.open("real/log-%d" % n)
            os.symlink(rig.path("real", "log-%d" % n), rig.path("new"))
            os.rename(rig.path("new"), rig.path("log"))
            for _ in range(5):
                writer.write(100)
                time.sleep(0.02)
    check(build, act)


def appears_later(build):
    def act(rig, writer):
        os.unlink(rig.path("log"))
        os.makedirs(rig.path("a"))
        time.sleep(0.2)
        os.makedirs(rig.path("a/b/c"))
        time.sleep(0.2)
        writer.open("a/b/c/log")
        writer.write(100)
    check(build, act, sources="  - path: a/b/c/log\n")


def directory_replaced(build):
    def act(rig, writer):
        os.unlink(rig.path("log"))
        for n in range(20):
            os.mkdir(rig.path("d"))
            writer.open("d/log")
            writer.write(100)
            rig.wait_for_lines(writer.at)
            os.rename(rig.path("d"), rig.path("old%d" % n))
        os.mkdir(rig.path("d"))
        writer.open("d/log")
    check(build, act, sources="  - path: d/log\n")


def ten_globbed_files_appear(build):
    def act(rig, writer):
        for n in range(10):
            os.makedirs(rig.path("home/u%d/logs" % n))
            writer.open("home/u%d/logs/mail.log" % n)
            writer.write(200)
            rig.wait_for_lines(writer.at)
    check(build, act, sources="  - path: home/*/logs/mail.log\n")


def logrotate(build):
    """The real one, if it is there."""
    if not shutil.which("logrotate"):
        return "not installed, left out"

    def act(rig, writer):
        conf = rig.path("logrotate.conf")
        for n, how in enumerate(("create", "copytruncate", "nocreate", "create\ncompress",
                                 "create\ndateext\ndateformat -%Y%m%d-%s",
                                 "create\ncompress\ndelaycompress")):
            with open(conf, "w", encoding="utf-8") as out:
                out.write("%s {\nsu root root\nrotate 50\n%s\n}\n" % (rig.path("log"), how))
            os.chmod(conf, 0o644)
            writer.write(400)
            subprocess.run(["logrotate", "-f", "-s", rig.path("state"), conf], check=True)
            if "copytruncate" not in how:
                writer.open("log")
            if n % 2:
                time.sleep(1)
    check(build, act)
    return None


if __name__ == "__main__":
    main([rename_create, late_lines, copytruncate, copytruncate_without_append, compress_at_once,
          remove_create, remove_create_same_inode, symlink_swap, appears_later,
          directory_replaced, ten_globbed_files_appear, logrotate])

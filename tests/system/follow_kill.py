#!/usr/bin/env python3
"""follow_kill.py BUILD_DIR: kill -9 at random moments while a log is written and rotated.

FOLLOW_KILL_RUNS (3) runs, each with about FOLLOW_KILLS (12) kills. At the end the database must
say what one uninterrupted import of the same lines says: no line lost, none counted twice.
FOLLOW_SEED repeats a run.
"""
import gzip
import os
import random
import shutil
import threading
import time

from follow_common import Rig, check_same, imported, lines, main, say

RUNS = int(os.environ.get("FOLLOW_KILL_RUNS", "3"))
KILLS = int(os.environ.get("FOLLOW_KILLS", "12"))
LINES = lines(8)


class Host(threading.Thread):
    """Writes the log, and rotates it now and then in one of the usual ways."""

    def __init__(self, rig, rng):
        super().__init__(daemon=True)
        self.rig, self.rng, self.rotations = rig, rng, 0
        self.file = open(rig.path("log"), "ab", buffering=0)

    def run(self):
        at = 0
        while at < len(LINES):
            count = self.rng.choice((1, 3, 20, 100))
            piece = b"".join(LINES[at:at + count])
            cut = self.rng.randrange(len(piece))
            self.file.write(piece[:cut])
            if self.rng.random() < 0.2:
                time.sleep(0.005)
            self.file.write(piece[cut:])
            at += count
            time.sleep(self.rng.choice((0, 0.002, 0.01)))
            if self.rng.random() < 0.05:
                self.rotate()

    def shift(self):
        for n in range(60, 0, -1):
            for ending in ("", ".gz"):
                old = self.rig.path("log.%d%s" % (n, ending))
                if os.path.exists(old):
                    os.rename(old, self.rig.path("log.%d%s" % (n + 1, ending)))

    def rotate(self):
        log, old = self.rig.path("log"), self.rig.path("log.1")
        self.shift()
        self.rotations += 1
        if self.rng.random() < 0.4:
            shutil.copyfile(log, old)
            os.truncate(log, 0)
            return
        os.rename(log, old)
        self.file = open(log, "ab", buffering=0)
        if self.rng.random() < 0.5:
            with open(old, "rb") as plain, gzip.open(old + ".new", "wb") as packed:
                packed.write(plain.read())
            shutil.copystat(old, old + ".new")
            os.rename(old + ".new", old + ".gz")
            os.unlink(old)


def one_run(build, want, seed):
    rng = random.Random(seed)
    with Rig(build) as rig:
        host = Host(rig, random.Random(seed + 1))
        rig.start()
        host.start()
        kills = 0
        while host.is_alive() or kills < KILLS:
            time.sleep(rng.choice((0.005, 0.02, 0.05, 0.1, 0.3)))
            rig.kill()
            kills += 1
            time.sleep(rng.choice((0, 0, 0.05, 0.2)))
            rig.start(wait=False)
            if kills >= KILLS and host.is_alive():
                host.join()
        rig.wait_for(lambda: "following" in rig.said(), "the last start")
        rig.wait_for_lines(len(LINES), 60)
        rig.stop()
        check_same(rig.dump(), want, "seed %d, %d kills, %d rotations" %
                   (seed, kills, host.rotations))
        return kills, host.rotations


def kill_at_random(build):
    want = imported(build, LINES)
    seed = int(os.environ.get("FOLLOW_SEED", "0")) or random.randrange(1, 1 << 30)
    kills = rotations = 0
    for run in range(RUNS):
        say("run %d: FOLLOW_SEED=%d" % (run + 1, seed + run))
        k, r = one_run(build, want, seed + run)
        kills, rotations = kills + k, rotations + r
    return "%d runs, %d kills, %d rotations, %d lines each: lost 0, doubled 0" % (
        RUNS, kills, rotations, len(LINES))


if __name__ == "__main__":
    main([kill_at_random])

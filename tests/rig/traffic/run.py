"""rig traffic SCENARIO [--mta NAME] [--count N] [--seed N] [--workers N] [--truth FILE] [--no-php]

Runs inside the rig. SCENARIO is `mix` (everyday mail) or the name of a function in scenarios.py.
"""
import argparse
import sys
import time

import mix
import scenarios
import world
from settle import settle
from truth import Truth


def arguments():
    parser = argparse.ArgumentParser(prog="rig traffic")
    parser.add_argument("scenario", choices=["mix"] + scenarios.names())
    parser.add_argument("--mta", default="postfix", choices=sorted(world.ADDRESSES))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--first", type=int, default=1, help="number of the first token")
    parser.add_argument("--truth", default="/srv/rig/truth.jsonl")
    parser.add_argument("--no-php", action="store_true")
    return parser.parse_args()


def main():
    wanted = arguments()
    truth, start = Truth(wanted.truth, wanted.first), time.monotonic()
    if wanted.scenario == "mix":
        mix.run_parallel(wanted.mta, truth, wanted.count, wanted.workers, not wanted.no_php, wanted.seed)
    else:
        scenarios.find(wanted.scenario)(wanted.mta, truth, wanted.count)
    quiet = settle()
    print("%d messages in %.1f s%s" % (truth.next - wanted.first, time.monotonic() - start,
                                       "" if quiet else "; still not quiet"), file=sys.stderr)


main()

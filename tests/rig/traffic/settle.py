"""Wait until the servers have nothing more to do at once: no log has grown for a while."""
import os
import time


def _sizes():
    total = 0
    for top, _, names in os.walk("/var/log"):
        total += sum(os.path.getsize(os.path.join(top, n)) for n in names if os.path.isfile(os.path.join(top, n)))
    return total


def settle(quiet=1.5, limit=60):
    """True if it became quiet for `quiet` seconds within `limit`."""
    end, last, since = time.monotonic() + limit, _sizes(), time.monotonic()
    while time.monotonic() < end:
        time.sleep(0.1)
        now = _sizes()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since >= quiet:
            return True
    return False

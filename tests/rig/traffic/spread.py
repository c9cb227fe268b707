"""Makes days of the seconds in which the rig sent what customers send in days.

The rounds of a history are lived at once, and each begins in a second of its own. Then spread()
moves the stamps of their lines back, in the logs themselves: three rounds a day, two hours apart,
the last of them yesterday. Nothing else of a line changes, and lines of one round keep their
distances, so a message and the call of mail() behind it stay together.
"""
import bisect
import datetime
import glob
import re
import time

from settle import settle

ROUNDS_A_DAY, HOURS_APART = 3, 2

LOGS = ["/var/log/mail.log", "/var/log/exim4/mainlog", "/var/log/php-mail-www.log",
        "/home/*/logs/php-mail.log"]
# where a line's stamp is, and how it is written: Postfix, Exim, PHP; all in UTC
STAMPS = [(re.compile(rb"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) "), "%b %d %H:%M:%S"),
          (re.compile(rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"), "%Y-%m-%d %H:%M:%S"),
          (re.compile(rb"\[(\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d) UTC\]"), "%d-%b-%Y %H:%M:%S")]


class Rounds:
    """When each round began, in whole seconds."""

    def __init__(self):
        self.starts = []

    def begin(self):
        """Waits until the logs are quiet and a second is new."""
        settle(quiet=0.4)
        time.sleep(1 - time.time() % 1)
        self.starts.append(int(time.time()))

    def back(self, second, now):
        """How far back a line of this second belongs."""
        number = max(0, bisect.bisect(self.starts, second) - 1)
        days, hours = divmod(len(self.starts) - 1 - number, ROUNDS_A_DAY)
        target = now - (days + 1) * 86400 - hours * HOURS_APART * 3600
        return self.starts[number] - target

    def spread(self):
        self.begin()
        now = self.starts.pop()
        for path in sorted(path for pattern in LOGS for path in glob.glob(pattern)):
            with open(path, "r+b") as log:
                lines = [self.moved(line, now) for line in log]
                log.seek(0)
                log.truncate()
                log.writelines(lines)

    def moved(self, line, now):
        for pattern, form in STAMPS:
            match = pattern.match(line)
            if match:
                moved = self.moved_stamp(match[1].decode(), form, now).encode()
                return line[:match.start(1)] + moved + line[match.end(1):]
        return line

    def moved_stamp(self, text, form, now):
        stamp = datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        if "%Y" not in form:
            stamp = stamp.replace(year=datetime.datetime.fromtimestamp(now).year)
        second = int(stamp.timestamp())
        moved = time.gmtime(second - self.back(second, now))
        return time.strftime(form.replace("%b %d", "%b {:2}"), moved).format(moved.tm_mday)

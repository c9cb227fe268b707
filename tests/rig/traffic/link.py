#!/usr/bin/python3
"""link.py MTA COUNT: many senders at once, in PHP, Perl, Python and shell, of several users.

Each sends in its language's usual way, through sendmail_path or /usr/sbin/sendmail. Prints one JSON
object for each message: token, kind, account and script (null where no log can know it)."""
import concurrent.futures
import json
import os
import shutil
import sys

import submit

PHP = """<?php echo mail($_GET['to'], 'Link ' . $_GET['to'], "Hello\\n", "From: web@host.example") ? 'yes' : 'no';
"""
PERL = """use strict;
open(my $mail, '|-', '/usr/sbin/sendmail', '-t', '-i') or die;
print $mail "From: perl\\@host.example\\nTo: $ARGV[0]\\nSubject: perl\\n\\nHello\\n";
close($mail) or exit 1;
"""
PYTHON = """import subprocess, sys
text = "From: python@host.example\\nTo: %s\\nSubject: python\\n\\nHello\\n" % sys.argv[1]
sys.exit(subprocess.run(["/usr/sbin/sendmail", "-t", "-i"], input=text.encode()).returncode)
"""
SHELL = """/usr/sbin/sendmail -i "$1" <<END
From: shell@host.example
To: $1
Subject: shell

Hello
END
exit $?
"""
USERS = ("alice", "bob", "carol", "dave")
FILES = {"php": ("link.php", PHP), "perl": ("link.pl", PERL), "python": ("link.py", PYTHON),
         "shell": ("link.sh", SHELL)}
INTERPRETER = {"perl": "/usr/bin/perl", "python": "/usr/bin/python3", "shell": "/bin/sh"}


def home_of(user):
    return "/home/%s/public_html" % user


def write_files():
    for user in USERS:
        for name, text in FILES.values():
            path = os.path.join(home_of(user), name)
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
            shutil.chown(path, user, user)


def send(mta, number):
    user = USERS[number % len(USERS)]
    kind = tuple(FILES)[number // len(USERS) % len(FILES)]
    script = os.path.join(home_of(user), FILES[kind][0])
    token = "t%06d" % number
    recipient = token + "@dest.example"
    if kind == "php":
        # dave's site has no pool of its own
        pool = "www" if user == "dave" else user
        done = submit.fpm(mta, pool, script, {"to": recipient}).endswith("yes")
    else:
        # by a relative name, as a cron job would after cd
        done = submit.run_as(user, [INTERPRETER[kind], FILES[kind][0], recipient], cwd=home_of(user))[0] == 0
    return {"token": token, "kind": kind, "account": user, "script": script, "sent": done}


def forge(number):
    """bob passes our program by, and blames a script of alice."""
    token = "t%06d" % number
    text = ("X-Mailaudit-Ref: v1 pid=1 uid=5102 cwd=/home/alice script=public_html/link.php\n"
            "From: bob@host.example\nTo: %s@dest.example\nSubject: forged\n\nHello\n" % token)
    done = submit.run_as("bob", ["/usr/sbin/sendmail.mailaudit", "-t", "-i"], text.encode())[0] == 0
    return {"token": token, "kind": "forged", "account": "bob", "script": None, "sent": done}


def main():
    mta, count = sys.argv[1], int(sys.argv[2])
    write_files()
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        for row in pool.map(lambda n: send(mta, n), range(count)):
            print(json.dumps(row))
    print(json.dumps(forge(count)))


if __name__ == "__main__":
    main()

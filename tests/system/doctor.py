#!/usr/bin/env python3
"""doctor.py BUILD_DIR: what `mailaudit doctor` finds, changes and takes back.

On a tree of the files that Debian's packages come with (as they are on this machine), then on
running servers: it finds what is missing, --fix adds it, the servers' own checks pass, the coverage
is complete, real mail shows it, and --undo restores every file byte for byte. A configuration that
the server refuses is taken back at once. doctor_hosts.py looks at other kinds of hosts.
"""
import fcntl
import glob
import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attribution import rig, skip  # noqa: E402

CACHE = os.environ.get("RIG_CACHE", "/var/cache/mailaudit-rig")
bad = []


def wrapper_of(build):
    """Where this build looks for the wrapper, without the slash in front."""
    with open(os.path.join(build, "Makefile"), encoding="utf-8") as f:
        prefix = re.search(r"^prefix = /(.*)$", f.read(), re.M).group(1)
    return prefix + "/libexec/mailaudit/mailaudit-sendmail"


def expect(what, is_so, got=""):
    if not is_so:
        bad.append(what)
        print("wrong:", what, got)


def states(text):
    """{check: [state, ...]}"""
    found = {}
    for row in json.loads(text):
        assert list(row) == ["check", "state", "detail", "file", "line"], row
        found.setdefault(row["check"], []).append(row["state"])
    return found


def missing(found):
    return {check for check, all_of_it in found.items() if {"partly", "not seen"} & set(all_of_it)}


def hashes(folder):
    found = {}
    for path in glob.glob(folder + "/**", recursive=True, include_hidden=True):
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as f:
                found[path] = (hashlib.sha256(f.read()).hexdigest(), os.stat(path).st_mode, os.stat(path).st_uid)
    return found


# --- a tree of files

def doctor_on(build, root, *options):
    done = subprocess.run([os.path.join(build, "mailaudit"), "doctor", "--root", root, *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def make_tree(root, wrapper):
    for folder in ("etc/systemd", "var", "home/alice/public_html/shop", os.path.dirname(wrapper)):
        os.makedirs(os.path.join(root, folder))
    for path in ("/etc/postfix", "/etc/php"):
        shutil.copytree(path, root + path, symlinks=True)
    shutil.copytree(CACHE + "/exim4-config/etc/exim4", root + "/etc/exim4")
    shutil.copy("/etc/rsyslog.conf", root + "/etc/rsyslog.conf")
    with open(root + "/etc/nftables.conf", "w", encoding="ascii") as f:
        f.write("tcp dport 25 meta skuid >= 1000 reject\n")
    open(os.path.join(root, wrapper), "w", encoding="ascii").close()
    pools = glob.glob(root + "/etc/php/*/fpm/pool.d")[0]
    for n in range(80):
        with open("%s/c%02d.conf" % (pools, n), "w", encoding="ascii") as f:
            f.write("[c%02d]\nuser = www-data\nphp_admin_value[mail.log] = %s\n"
                    "php_admin_value[sendmail_path] = /usr/sbin/sendmail -t -i -f c@host.example\n"
                    % (n, "/dev/stderr" if n == 1 else "/var/log/c.log" if n % 7 else ""))
    return pools


def try_tree(build):
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        pools = make_tree(root, wrapper_of(build))
        before = hashes(root)
        status, out, _ = doctor_on(build, root, "--format", "json")
        wanted = {"postfix.header_checks", "exim.log_selector", "exim.acl_not_smtp", "php.mail_log",
                  "php.add_x_header", "php.sendmail_path"}
        expect("a default install lacks these", status == 1 and missing(states(out)) == wanted, out)
        expect("pools are counted", "mail.log off in 14 of 81 pools" in out, out)
        expect("looking changes nothing", hashes(root) == before)
        status, out, _ = doctor_on(build, root, "--fix")
        expect("without a yes nothing is changed", status == 1 and "+++ b/etc/postfix/main.cf" in out and
               hashes(root) == before, out)
        status, out, said = doctor_on(build, root, "--fix", "--yes")
        expect("--fix", status == 0, said)
        status, out, _ = doctor_on(build, root, "--format", "json")
        expect("all is seen then", status == 0 and not missing(states(out)), out)
        with open(pools + "/c00.conf", encoding="ascii") as f:
            text = f.read()
        expect("a pool's own options stay", "mailaudit-ref /usr/sbin/sendmail -t -i -f c@host.example" in text, text)
        expect("a second --fix has nothing to do", "nothing to change" in doctor_on(build, root, "--fix", "--yes")[1])
        expect("only what was named", "'nothing' is no check" in doctor_on(build, root, "--fix", "nothing")[2])
        try_undo(build, root, before)
        try_links(build, root)


def try_opensmtpd(build):
    """Its log cannot be made to say more, and the wrapper's mark would not be in it."""
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        for path in ("etc/smtpd.conf", "usr/sbin/smtpd", "usr/sbin/sendmail"):
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            open(os.path.join(root, path), "w", encoding="ascii").close()
        _, out, _ = doctor_on(build, root, "--format", "json")
        found = states(out)
        expect("OpenSMTPD logs no uid", found.get("opensmtpd.uid") == ["partly"] and
               found.get("opensmtpd.sessions") == ["seen"] and "(/etc/smtpd.conf)" in out, out)
        expect("no wrapper for OpenSMTPD", "sendmail.wrapper" not in found, out)
        os.unlink(root + "/usr/sbin/smtpd")
        _, out, _ = doctor_on(build, root, "--format", "json")
        expect("a file that was left behind is no OpenSMTPD", "opensmtpd.uid" not in states(out) and
               "sendmail.wrapper" in states(out), out)


def try_undo(build, root, before):
    with open(root + "/etc/postfix/main.cf", "a", encoding="ascii") as f:
        f.write("# by hand\n")
    status, _, said = doctor_on(build, root, "--undo")
    expect("what was changed since is left alone", status == 78 and "changed since: /etc/postfix/main.cf" in said, said)
    with open(root + "/etc/postfix/main.cf", "r+", encoding="ascii") as f:
        f.truncate(len(f.read()) - len("# by hand\n"))
    status, _, said = doctor_on(build, root, "--undo")
    after = hashes(root)
    expect("--undo", status == 0 and after == before, said + str(set(after.items()) ^ set(before.items())))
    expect("nothing more to undo", doctor_on(build, root, "--undo")[0] == 66)


def try_answers(build):
    """At a terminal: only a yes is one."""
    for answer, wanted in ((b"y\n", 0), (b"n\n", 1), (b"\n", 1), (b"\x04", 1)):
        with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
            os.makedirs(root + "/etc/postfix")
            os.mkdir(root + "/var")
            open(root + "/etc/postfix/main.cf", "w", encoding="ascii").close()
            ours, theirs = pty.openpty()
            child = subprocess.Popen([os.path.join(build, "mailaudit"), "doctor", "--root", root, "--fix"],
                                     stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            os.write(ours, answer)
            said = child.communicate(timeout=60)[1]
            changed = os.path.exists(root + "/etc/postfix/mailaudit_header_checks")
            expect("the answer %r" % answer, child.returncode == wanted and changed == (wanted == 0), said)
            os.close(ours)
            os.close(theirs)


def small_tree(root):
    for folder in ("etc/postfix", "var/backups/mailaudit", "real", "etc/php/8.2/cli"):
        os.makedirs(os.path.join(root, folder))
    with open(root + "/real/main.cf", "wb") as f:
        f.write(b"# by hand\r\nheader_checks = regexp:/etc/own")
    os.symlink("/real/main.cf", root + "/etc/postfix/main.cf")
    with open(root + "/etc/php/8.2/cli/php.ini", "wb") as f:
        f.write(b"[PHP]\r\nmemory_limit = 1M")


def try_odd_files(build):
    """A link, CRLF, no line end, several changes of one file; another doctor at work."""
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        small_tree(root)
        before = hashes(root)
        held = os.open(root + "/var/backups/mailaudit", os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        status, _, said = doctor_on(build, root, "--fix", "--yes")
        expect("two at once", status == 75 and "another mailaudit doctor" in said and hashes(root) == before, said)
        os.close(held)
        status, _, said = doctor_on(build, root, "--fix", "--yes")
        expect("odd files", status == 0 and os.path.islink(root + "/etc/postfix/main.cf"), said)
        with open(root + "/real/main.cf", "rb") as f:
            text = f.read()
        expect("a link's target is changed", text == b"# by hand\r\nheader_checks = regexp:/etc/own, "
               b"regexp:/etc/postfix/mailaudit_header_checks\n", text)
        with open(root + "/etc/php/8.2/cli/php.ini", "rb") as f:
            text = f.read()
        expect("lines of their own", text == b"[PHP]\r\nmemory_limit = 1M\nsyslog.facility = mail\n"
               b"mail.log = syslog\nmail.add_x_header = On\n", text)
        os.unlink(root + "/etc/postfix/mailaudit_header_checks")
        status, _, said = doctor_on(build, root, "--undo")
        expect("odd files are restored, one of them by hand", status == 0 and hashes(root) == before, said)


FULL = """set -e
mount -t tmpfs -o size=%s tmpfs "$1/etc/php/8.2/cli"
printf '[PHP]\nmemory_limit = 1M\n' >"$1/etc/php/8.2/cli/php.ini"
%s
cd "$1"; cat real/main.cf etc/php/8.2/cli/php.ini; ls -A etc/postfix etc/php/8.2/cli var/backups/mailaudit
"$2/mailaudit" doctor --root "$1" --fix --yes >out 2>said && exit 9
grep -q "$3" said || { cat said; exit 8; }
echo ----
cat real/main.cf etc/php/8.2/cli/php.ini; ls -A etc/postfix etc/php/8.2/cli var/backups/mailaudit
"""


def try_failures(build):
    """What cannot be written: then nothing is, and nothing is left behind."""
    for what, size, do, why in (
            ("a full disk", "8k", 'cat /dev/zero >"$1/etc/php/8.2/cli/full" || :', "No space left"),
            ("a disk that cannot be written", "64k", 'mount -o remount,ro "$1/etc/php/8.2/cli"',
             "Read-only file system"),
            ("a file that must not be replaced", "64k",
             'mount --bind "$1/etc/php/8.2/cli/php.ini" "$1/etc/php/8.2/cli/php.ini"', "busy")):
        with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
            small_tree(root)
            done = subprocess.run(["unshare", "-m", "sh", "-c", FULL % (size, do), "-", root, build, why],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
            before, _, after = done.stdout.partition("----\n")
            expect(what, done.returncode == 0 and before and after == before, done.stdout + done.stderr)


def try_links(build, root):
    """Nothing outside of the root is read or written, and customers' links are not followed."""
    outside = tempfile.mkdtemp(prefix="mailaudit-")
    with open(outside + "/.user.ini", "w", encoding="ascii") as f:
        f.write("mail.log = /tmp/x\n")
    os.symlink(outside, root + "/home/alice/public_html/out")
    status, out, _ = doctor_on(build, root, "--format", "json")
    expect("a link to another folder is not followed", "php.user_ini" not in missing(states(out)), out)
    shutil.copy(outside + "/.user.ini", root + "/home/alice/public_html/shop/.user.ini")
    _, out, _ = doctor_on(build, root, "--format", "json")
    expect("an override is found", states(out)["php.user_ini"] == ["partly"], out)
    os.rename(root + "/etc/postfix/main.cf", outside + "/main.cf")
    os.symlink(outside + "/main.cf", root + "/etc/postfix/main.cf")
    _, out, _ = doctor_on(build, root, "--format", "json")
    expect("a link out of the root leads nowhere", "postfix" not in states(out), out)
    shutil.rmtree(outside)


def try_qmail(build):
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        states_of = lambda: states(doctor_on(build, root, "--format", "json")[1])
        expect("a host without qmail", "qmail.log" not in states_of())
        os.makedirs(root + "/var/qmail/control")
        expect("qmail without a log", states_of()["qmail.log"] == ["not seen"])
        with open(root + "/var/qmail/rc", "w", encoding="ascii") as f:
            f.write("exec env - PATH=/var/qmail/bin qmail-start ./Mailbox splogger qmail\n")
        expect("splogger", states_of()["qmail.log"] == ["partly"])
        os.remove(root + "/var/qmail/rc")
        os.makedirs(root + "/var/log/qmail/send")
        open(root + "/var/log/qmail/send/current", "w", encoding="ascii").close()
        expect("multilog", states_of()["qmail.log"] == ["partly"])


# --- running servers

PREPARE = """
mkdir -p /var/backups && mount -t tmpfs none /var/backups
install -D -m 755 /srv/rig/mailaudit-sendmail /WRAPPER
ln -sf mailaudit-sendmail /$(dirname WRAPPER)/mailaudit-ref
echo 'mailaudit:x:990:990::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
chgrp adm /var/log/mail.log /var/log/exim4/mainlog 2>/dev/null || :
chmod g+r /var/log/mail.log /var/log/exim4/mainlog 2>/dev/null || :
chmod 755 /var/log/exim4 2>/dev/null || :
echo 'tcp dport 25 ct state new meta skuid >= 1000 reject' >/etc/nftables.conf
"""
LIST = "find /etc -type f -exec sha256sum {} + | sort; find /etc | sort"
SEND = """cd /home/alice/public_html && setpriv --reuid alice --regid alice --clear-groups php -r \
'exit(mail("t1@dest.example", "By PHP", "x") ? 0 : 1);'"""


class Host:
    def __init__(self, build, *servers):
        self.root = re.search(r"RIG=(\S+)", rig("up", *servers)).group(1)
        self.env = dict(os.environ, RIG=self.root)
        for name in ("mailaudit", "mailaudit-sendmail"):
            shutil.copy(os.path.join(build, name), self.root)
        self.sh(PREPARE.replace("WRAPPER", wrapper_of(build)))

    def run(self, *command):
        done = subprocess.run([os.path.join(os.path.dirname(__file__), "..", "rig", "rig"), "exec", "--", *command],
                              env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def sh(self, text):
        status, out, said = self.run("sh", "-c", text)
        if status:
            raise RuntimeError("%s: exit %d: %s" % (text.split("\n")[0], status, said))
        return out

    def doctor(self, *options):
        return self.run("/srv/rig/mailaudit", "doctor", *options)

    def logged(self, path, pattern):
        """Waits for it (bounded)."""
        end = time.time() + 30
        while time.time() < end:
            with open(os.path.join(self.root, "log", path), encoding="utf-8", errors="replace") as f:
                if re.search(pattern, f.read()):
                    return True
            time.sleep(0.3)
        return False


def try_server(host, mta, wanted, break_it):
    before = host.sh(LIST)
    status, out, _ = host.doctor("--format", "json")
    found = states(out)
    expect(mta + ": what is missing", status == 1 and missing(found) == wanted, out)
    expect(mta + ": the version is told", re.search(r'"detail":"(Postfix|Exim) \d', out), out)
    host.sh("cp %s /srv/rig/kept && echo '%s' >>%s" % (break_it[0], break_it[1], break_it[0]))
    status, out, said = host.doctor("--fix", "--yes")
    host.sh("cat /srv/rig/kept >%s" % break_it[0])
    expect(mta + ": what the server refuses is taken back", status == 75 and "taken back" in said and
           host.sh(LIST) == before, said)
    status, out, said = host.doctor("--fix", "--yes")
    expect(mta + ": --fix", status == 0 and "then: " in out, out + said)
    status, out, _ = host.doctor("--format", "json")
    expect(mta + ": all is seen", status == 0 and not missing(states(out)), out)
    return before


def finish_server(host, mta, before):
    status, _, said = host.doctor("--undo")
    expect(mta + ": --undo restores byte for byte", status == 0 and host.sh(LIST) == before, said)


def try_postfix(build):
    host = Host(build, "postfix", "php")
    try:
        before = try_server(host, "postfix", {"postfix.header_checks", "php.mail_log", "php.add_x_header",
                                              "php.sendmail_path"},
                            ("/etc/postfix/main.cf", "no equals sign"))
        host.sh("postfix check && postfix reload 2>&1")
        host.sh(SEND)
        expect("Postfix logs the reference", host.logged(
            "mail.log", r"info: header X-Mailaudit-Ref: v1 pid=\d+ uid=5101 cwd=/home/alice/public_html"))
        expect("PHP logs to the mail log", host.logged("syslog-mail.rfc3339", r"mail\(\) on \["))
        finish_server(host, "postfix", before)
    finally:
        rig("clean", env=host.env)


def try_exim(build):
    host = Host(build, "exim", "--exim-log=default", "php")
    try:
        before = try_server(host, "exim", {"postfix.header_checks", "exim.log_selector", "exim.acl_not_smtp",
                                           "php.mail_log", "php.add_x_header", "php.sendmail_path"},
                            ("/etc/exim4/exim4.conf", "begin nothing_that_exim_knows"))
        host.sh("kill -HUP $(cat /run/exim4.pid)")
        host.sh(SEND)
        expect("Exim logs the reference", host.logged(
            "exim4/mainlog", r'mailaudit-php uid=5101 .*ref="v1 pid=\d+ uid=5101'))
        finish_server(host, "exim", before)
    finally:
        rig("clean", env=host.env)


def main():
    if len(sys.argv) < 2:
        sys.exit(64)
    build = os.path.abspath(sys.argv[1])
    if os.geteuid() != 0:
        skip("needs root: the files of the default install, and the rig")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        skip("no mount namespaces here")
    if not os.path.isdir(CACHE + "/exim4-config"):
        skip("tests/rig/install was not run")
    try_opensmtpd(build)
    try_tree(build)
    try_qmail(build)
    try_answers(build)
    try_odd_files(build)
    try_failures(build)
    try_postfix(build)
    try_exim(build)
    print("%d expectations failed" % len(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

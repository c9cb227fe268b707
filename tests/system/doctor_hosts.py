#!/usr/bin/env python3
"""doctor_hosts.py BUILD_DIR: `mailaudit doctor` on hosts of other kinds.

Trees of files as panels and distributions have them; then, in mounts of its own, this machine's
Postfix with instances made by postmulti(1), rsyslogd, Apache with mod_php and journald: what --fix
writes is checked by them, and has the effect it is for.
"""
import glob
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attribution import skip  # noqa: E402
from doctor import bad, doctor_on, expect, hashes, states, wrapper_of  # noqa: E402

CACHE = os.environ.get("RIG_CACHE", "/var/cache/mailaudit-rig")
INSIDE = "MAILAUDIT_DOCTOR_TEST"
JOURNALD = "/lib/systemd/systemd-journald"


def write(root, path, text="", mode=0o644, owner=(0, 0)):
    path = root + path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    os.chown(path, *owner)


def rows(build, root):
    """{check: [row, ...]}"""
    found = {}
    for row in json.loads(doctor_on(build, root, "--format", "json")[1]):
        found.setdefault(row["check"], []).append(row)
    return found


def fix_and_undo(build, root, *names):
    """What the rows are after --fix; everything is as it was when this returns."""
    before = hashes(root)
    status, _, said = doctor_on(build, root, "--fix", "--yes", *names)
    expect("--fix", status == 0, said)
    found = rows(build, root)
    again = doctor_on(build, root, "--fix", "--yes", *names)[1]
    expect("twice is nothing", again == "nothing to change\n", again)
    status, _, said = doctor_on(build, root, "--undo")
    expect("--undo", status == 0 and hashes(root) == before, said)
    return found


def state(found, check):
    return [row["state"] for row in found.get(check, [])]


# --- trees

ALMA_RSYSLOG = """# Red Hat's, with comments that hold parentheses
#module(load="imjournal" StateFile="no")
module(load="imuxsock"    # provides support for local system logging (e.g. via logger command)
       SysSock.Use="off") # Turn off message reception via local log socket;
module(load="imjournal"             # provides access to the systemd journal (all of it)
       StateFile="imjournal.state") # File to store the position in the journal
include(file="/etc/rsyslog.d/*.conf" mode="optional")
module(load="builtin:omfile" Template="RSYSLOG_TraditionalFileFormat")
*.info;mail.none;authpriv.none;cron.none                /var/log/messages
#mail.*                                                  -/var/log/maillog
mail.*                                                  -/var/log/maillog
"""


def try_red_hat(build):
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        write(root, "/etc/rsyslog.conf", ALMA_RSYSLOG)
        write(root, "/etc/systemd/journald.conf", "[Journal]\n#RateLimitBurst=1\n")
        write(root, "/etc/systemd/journald.conf.d/zz.conf", "[Journal]\nRateLimitBurst=200\n")
        write(root, "/usr/lib/systemd/journald.conf.d/zz.conf", "[Journal]\nRateLimitBurst=0\n")
        os.mkdir(root + "/var")
        found = rows(build, root)
        expect("imjournal's limit", state(found, "syslog.rate_limit") == ["partly"], found)
        expect("journald's limit", "beyond 200 in 30 s" in found["journal.rate_limit"][0]["detail"], found)
        expect("the file that has the last word",
               found["journal.rate_limit"][0]["file"] == "/etc/systemd/journald.conf.d/zz.conf", found)
        expect("old stamps", state(found, "syslog.stamps") == ["advice"], found)
        fixed = fix_and_undo(build, root)
        expect("limits are gone, advice stays", (state(fixed, "syslog.rate_limit"), state(
            fixed, "journal.rate_limit"), state(fixed, "syslog.stamps")) == (["seen"], ["seen"], ["advice"]), fixed)
        expect("what was named", state(fix_and_undo(build, root, "syslog"), "syslog.stamps") == ["seen"])
        diff = doctor_on(build, root, "--fix", "syslog")[1]
        expect("the comment stays one", '\n+       StateFile="imjournal.state" Ratelimit.Interval="0") # File' in diff and
               "\n+mail.*                                                  -/var/log/maillog;RSYSLOG_FileFormat" in diff,
               diff)


def try_journal_only(build):
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        write(root, "/etc/systemd/journald.conf", "[Journal]\nStorage=volatile\nMaxLevelStore=notice\n"
              "MaxRetentionSec=1day\nSystemMaxUse=50M")
        os.mkdir(root + "/var")
        found = rows(build, root)
        expect("what the journal loses", {check: state(found, check) for check in found if "journal" in check} == {
            "journal.storage": ["partly"], "journal.rate_limit": ["partly"], "journal.level": ["not seen"],
            "journal.size": ["advice", "advice"]}, found)
        found = fix_and_undo(build, root, "journal")
        expect("nothing any more", {check: state(found, check) for check in found if "journal" in check} == {
            "journal.storage": ["seen"], "journal.rate_limit": ["seen"]}, found)


def try_debian_syslog(build):
    """rsyslog takes what journald passes on, if it does."""
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        write(root, "/etc/rsyslog.conf", '$ModLoad imuxsock\n$SystemLogRateLimitInterval 5\n*.*;mail.none /var/log/syslog\n')
        write(root, "/etc/systemd/journald.conf", "[Journal]\nForwardToSyslog=no\nMaxLevelSyslog=err\n")
        os.mkdir(root + "/var")
        wanted = {"syslog.file": "not seen", "syslog.rate_limit": "partly", "journal.forward": "not seen",
                  "journal.level": "not seen"}
        found = rows(build, root)
        expect("the way to rsyslog", all(state(found, c) == [s] for c, s in wanted.items()), found)
        expect("journald's own limit does not count", "journal.rate_limit" not in found, found)
        found = fix_and_undo(build, root)
        expect("the way is open", not any({"partly", "not seen"} & set(state(found, c)) for c in wanted), found)
        write(root, "/etc/syslog-ng/syslog-ng.conf", "options { ts-format(iso); };\n")
        os.unlink(root + "/etc/rsyslog.conf")
        found = rows(build, root)
        expect("syslog-ng", state(found, "syslog.stamps") == ["seen"] and
               "syslog-ng" in found["journal.forward"][0]["detail"], found)


def try_sources(build):
    """A log that is written, but named by no source."""
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        write(root, "/etc/rsyslog.conf", "mail.* -/var/log/mail.log\n")
        write(root, "/etc/php.ini", "mail.log = /var/log/php/a.log\n")
        for sources, wanted in (("", []), ("sources: [{path: /var/log/other}]", ["logs.followed", "php.followed"]),
                                ("sources: [{path: /var/log/mail.*}, {path: /var/log/php/*.log}]", []),
                                ("sources: [{path: /var/log/journal, format: journal}]", ["php.followed"])):
            write(root, "/settings.yaml", sources + "\n")
            out = subprocess.run([build + "/mailaudit", "--config", root + "/settings.yaml", "doctor", "--root", root,
                                  "--format", "json"], stdout=subprocess.PIPE, text=True, check=False, timeout=60).stdout
            found = sorted(check for check in states(out) if "followed" in check)
            expect("sources: " + sources, found == wanted, out)


def try_permissions(build):
    acl = struct.pack("<IHHIHHIHHIHHIHHI", 2, 1, 6, 0xffffffff, 2, 4, 990, 4, 0, 0xffffffff, 16, 4, 0xffffffff,
                      32, 0, 0xffffffff)
    cases = (
        ("root's alone", "/var/log/maillog", 0o600, (0, 0), None, "CAP_DAC_READ_SEARCH"),
        ("a group's", "/var/log/exim_mainlog", 0o640, (47, 12), None, "SupplementaryGroups=mail"),
        ("adm's", "/var/log/mail.log", 0o640, (0, 4), None, None),
        ("by a list", "/var/log/maillog", 0o640, (0, 0), acl, None))
    for what, path, mode, owner, xattr, wanted in cases:
        with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
            os.chmod(root, 0o755)
            write(root, "/etc/passwd", "root:x:0:0::/:/x\nmailaudit:x:990:990::/:/x\n")
            write(root, "/etc/group", "root:x:0:\nadm:x:4:\nmail:x:12:\nmailaudit:x:990:\n")
            write(root, path, "", mode, owner)
            if xattr:
                try:
                    os.setxattr(root + path, "system.posix_acl_access", xattr)
                except OSError:
                    continue
            row = rows(build, root)["logs.permissions"][0]
            expect("permissions: " + what, (row["state"], wanted or "") == ("not seen" if wanted else "seen", wanted or "")
                   and (not wanted or wanted in row["line"]), row)
            if wanted:
                expect("then it may: " + what, state(fix_and_undo(build, root), "logs.permissions") == ["seen"])
                expect("no folder stays", not os.path.exists(root + "/etc/systemd"))


def make_vhosts(root, wrapper):
    write(root, "/etc/apache2/apache2.conf", "LoadModule php_module /x.so\nIncludeOptional sites-enabled/*.conf\n"
          "IncludeOptional conf-enabled/*.conf\n")
    write(root, "/" + wrapper)
    for n, line in enumerate(("", 'php_admin_value sendmail_path "/usr/sbin/sendmail -t -i -f w@w.example"',
                              "php_value mail.log none", "php_value sendmail_path /ignored",
                              "php_admin_value mail.log syslog")):
        write(root, "/etc/apache2/sites-available/%d.conf" % n, "<VirtualHost *:80>\n\tServerName w%d.example\n"
              "\t<IfModule mod_php.c>\n\t%s\n\t</IfModule>\n</VirtualHost>\n" % (n, line))
        os.makedirs(root + "/etc/apache2/sites-enabled", exist_ok=True)
        os.symlink("../sites-available/%d.conf" % n, root + "/etc/apache2/sites-enabled/%d.conf" % n)


def try_apache_files(build):
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        make_vhosts(root, wrapper_of(build))
        write(root, "/home/alice/public_html/.htaccess", "php_flag mail.add_x_header off\n")
        os.mkdir(root + "/var")
        found = rows(build, root)
        expect("virtual hosts", found["apache.sendmail_path"][0]["detail"] ==
               "sendmail_path off in 1 of 5 virtual hosts: w1.example" and found["apache.mail_log"][0]["detail"] ==
               "mail.log off in 1 of 5 virtual hosts: w2.example", found)
        expect(".htaccess", state(found, "php.user_ini") == ["partly"], found)
        diff = doctor_on(build, root, "--fix")[1]
        expect("a host's own options stay", 'mailaudit-ref /usr/sbin/sendmail -t -i -f w@w.example"' in diff and
               "+++ b/etc/apache2/sites-available/1.conf" in diff, diff)
        found = fix_and_undo(build, root)
        expect("all hosts are seen", state(found, "apache.sendmail_path") + state(found, "apache.mail_log") +
               state(found, "php.user_ini") == ["seen"] * 3, found)


POOLS = """[alice]\r
php_value[mail.log] = /var/log/alice.log
[bob]
php_admin_value[mail.log] = /var/log/bob.log
;[carol]
[carol]
user = carol"""


def try_user_ini(build):
    """What customers' files take away, the administrator's settings keep."""
    with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
        write(root, "/etc/php/8.2/fpm/php.ini", "mail.log = syslog\nmail.add_x_header = On\nsyslog.facility = mail\n")
        write(root, "/etc/php/8.2/fpm/php-fpm.conf", "include=/etc/php/8.2/fpm/pool.d/*.conf\n")
        write(root, "/etc/php/8.2/fpm/pool.d/all.conf", POOLS)
        write(root, "/home/alice/public_html/.user.ini", "mail.log =\n")
        os.mkdir(root + "/var")
        found = rows(build, root)
        expect("an override", state(found, "php.user_ini") == ["partly"] and
               found["php.user_ini"][0]["file"] == "/etc/php/8.2/fpm/pool.d/all.conf and 2 more", found)
        diff = doctor_on(build, root, "--fix", "php.user_ini")[1]
        added = [line[1:] for line in diff.split("\n") if line.startswith("+") and not line.startswith("+++")]
        expect("each pool keeps its log", added == [
            "php_admin_value[mail.log] = /var/log/alice.log", "php_admin_flag[mail.add_x_header] = On",
            "php_admin_flag[mail.add_x_header] = On",
            "php_admin_value[mail.log] = syslog", "php_admin_flag[mail.add_x_header] = On"], diff)
        expect("no override", state(fix_and_undo(build, root, "php.user_ini"), "php.user_ini") == ["seen"])


def try_panels(build):
    for mark, files, check, wanted in (
            ("/usr/local/hestia", ["/usr/local/hestia/data/users/bob/web.conf"], "panel.owners", "seen"),
            ("/usr/local/psa", [], "panel.owners", "not seen"),
            ("/usr/local/psa", ["/etc/mailaudit/maps/panel.domains"], "panel.owners", "seen"),
            ("/usr/local/cpanel", ["/etc/userdomains"], "panel.rewrites", "advice")):
        with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
            os.makedirs(root + mark)
            for path in files:
                write(root, path)
            found = rows(build, root)
            expect("%s: %s" % (mark, check), state(found, check) == [wanted], found)


JUNK_FILES = ("/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix-out/main.cf", "/etc/rsyslog.conf",
              "/etc/rsyslog.d/a.conf", "/etc/systemd/journald.conf", "/etc/apache2/apache2.conf",
              "/etc/apache2/sites-enabled/a.conf", "/etc/php/8.2/fpm/php.ini", "/etc/php/8.2/fpm/pool.d/a.conf",
              "/etc/php/8.2/fpm/php-fpm.conf", "/home/a/.user.ini", "/home/a/.htaccess", "/etc/exim4/exim4.conf",
              "/etc/passwd", "/etc/group", "/etc/systemd/system/mailauditd.service.d/a.conf")
JUNK = ("module(load=\"imuxsock\"", "module(load=\"imjournal\" ", ")", "\"", "#", "\n", "\n", "\n", " ", "\t", ";", "=", "\\", "\r",
        "mail.*", "mail.info,", "*.*;mail.none", " -/var/log/mail.log", ";RSYSLOG_TraditionalFileFormat", "$ModLoad imuxsock",
        "$SystemLogRateLimitInterval", "SysSock.RateLimit.Interval=", "[Journal]", "[Service]", "Storage=", "RateLimitBurst=9",
        "RateLimitIntervalSec=99999999999999999999d", "MaxRetentionSec=1", "SystemMaxUse=9E", "<VirtualHost *>",
        "</VirtualHost>", "php_admin_value sendmail_path \"/x", "php_value mail.log none", "Include ", "/etc/apache2/apache2.conf",
        "sites-enabled", "LoadModule php_module x", "ServerRoot ", "php_flag mail.add_x_header", "[a]", "php_admin_value[mail.log] =",
        "mail.log = ", "syslog", "include=/etc/php/8.2/fpm/pool.d/*.conf", "multi_instance_directories = /etc/postfix-out",
        "multi_instance_enable = yes", "header_checks = $header_checks ${", "pickup -o no_header_body_checks",
        "cleanup -o header_checks=", "log_selector = +subject \\", "acl_not_smtp = ", "begin acl", "mailaudit:x:990:990::",
        "mailaudit:x:5:mailaudit,", "SupplementaryGroups=adm ", "\0", "\xff")


def try_junk(build):
    """Any bytes: an answer, and a fix that can be undone."""
    dice = random.Random(1)
    for _ in range(60):
        with tempfile.TemporaryDirectory(prefix="mailaudit-") as root:
            os.mkdir(root + "/var")
            for path in JUNK_FILES:
                write(root, path, "".join(dice.choice(JUNK) for _ in range(dice.randrange(60))))
            before = hashes(root)
            status, _, said = doctor_on(build, root)
            expect("junk is looked at", status in (0, 1) and not said, said)
            status, _, said = doctor_on(build, root, "--fix", "--yes")
            expect("junk is changed", status == 0 and not said, said)
            if hashes(root) != before:
                status, _, said = doctor_on(build, root, "--undo")
                expect("junk is restored", status == 0 and hashes(root) == before, said)


# --- this machine's programs

SET_UP = """set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 none /mnt
for d in /etc /usr /var/lib /var/spool; do
	mkdir -p /mnt$d/upper /mnt$d/work
	lower=$d
	[ $d != /usr ] || lower=$1/apache2/usr:$1/apache2-bin/usr:$(echo "$1"/libapache2-mod-php*.*[0-9]/usr):/usr
	mount -t overlay -o lowerdir=$lower,upperdir=/mnt$d/upper,workdir=/mnt$d/work overlay $d
done
for d in /run /var/log /var/backups; do mount -t tmpfs -o mode=755 none $d; done
mkdir /run/lock
ip link set lo up
shift
exec "$@"
"""


def sh(text):
    done = subprocess.run(["sh", "-ec", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=120)
    if done.returncode:
        raise RuntimeError("%s: %s" % (text, done.stdout))
    return done.stdout


def doctor(build, *options):
    done = subprocess.run([build + "/mailaudit", "doctor", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr


def wait_for(what):
    end = time.time() + 30
    while time.time() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


LIST = "find /etc -type f -exec sha256sum {} + | sort; find /etc | sort"


def refused(build, what, path, junk, why, *names):
    """A file that the program does not take: then nothing stays."""
    shutil.copy(path, "/run/kept")
    with open(path, "a", encoding="utf-8") as f:
        f.write(junk)
    before = sh(LIST)
    status, _, said = doctor(build, "--fix", "--yes", *names)
    expect(what + " refuses", status == 75 and "taken back" in said and why in said and sh(LIST) == before, said)
    shutil.copy("/run/kept", path)


def try_instances(build):
    sh("postconf -e maillog_file=; postmulti -e init; postmulti -e create -I postfix-out; postmulti -i postfix-out -e enable;"
       "postmulti -e create -I postfix-off")
    before = sh(LIST)
    found = states(doctor(build, "--format", "json")[1])
    expect("instances are seen", found["postfix.header_checks"] == ["not seen"] * 2, found)
    refused(build, "postfix check", "/etc/postfix-out/main.cf", "no equals sign\n", "missing '='", "postfix.header_checks")
    status, out, said = doctor(build, "--fix", "--yes", "postfix.header_checks")
    expect("instances are fixed", status == 0 and "then: postfix -c /etc/postfix-out reload" in out, out + said)
    expect("Postfix reads it", sh("postmulti -i postfix-out -x postconf -h header_checks") ==
           "regexp:/etc/postfix-out/mailaudit_header_checks\n")
    expect("its table matches", sh("postmap -q 'Subject: x' regexp:/etc/postfix-out/mailaudit_header_checks") ==
           "INFO mailaudit\n")
    found = states(doctor(build, "--format", "json")[1])
    expect("all instances are seen", found["postfix.header_checks"] == ["seen"] * 2, found)
    doctor(build, "--undo")
    expect("instances are restored", sh(LIST) == before)


def try_rsyslog(build):
    with open("/etc/rsyslog.conf", "w", encoding="ascii") as f:
        f.write('module(load="imuxsock" SysSock.Name="/run/log" SysSock.RateLimit.Interval="5") # here\n'
                "$IncludeConfig /etc/rsyslog.d/*.conf\nmail.* -/var/log/mail.log\n")
    before = sh(LIST)
    refused(build, "rsyslogd -N1", "/etc/rsyslog.conf", 'action(type="no such")\n', "no such", "syslog")
    status, out, said = doctor(build, "--fix", "--yes", "syslog")
    expect("rsyslog is fixed", status == 0 and "then: systemctl restart rsyslog" in out, out + said)
    daemon = subprocess.Popen(["rsyslogd", "-n", "-i", "/run/rsyslogd.pid"])
    try:
        expect("rsyslogd runs", wait_for(lambda: os.path.exists("/run/log")))
        sh("chmod 666 /run/log; setpriv --reuid 1234 --clear-groups sh -c "
           "'for i in $(seq 500); do echo \"line $i\"; done | logger -u /run/log -p mail.info -t postfix/qmgr'")

        def lines():
            with open("/var/log/mail-vouched.log", encoding="ascii") as f:
                return re.findall(r"cred\(pid=\d+,uid=1234,gid=\d+\) postfix/qmgr: line \d+$", f.read(), re.M)
        expect("lines carry the kernel's uid, and none is dropped",
               wait_for(lambda: os.path.exists("/var/log/mail-vouched.log") and len(lines()) == 500))
    finally:
        daemon.terminate()
        daemon.wait(timeout=30)
    doctor(build, "--undo")
    expect("rsyslog is restored", sh(LIST) == before)


SITE = """Listen 127.0.0.1:8099
<VirtualHost 127.0.0.1:8099>
	ServerName shop.example
	DocumentRoot /run/www
	AddHandler application/x-httpd-php .php
	<Directory /run/www>
		Require all granted
	</Directory>
	<IfModule mod_php.c>
	php_admin_value sendmail_path "/usr/sbin/sendmail -t -i -f shop@shop.example"
	php_value mail.log none
	</IfModule>
</VirtualHost>
"""
SHOW = "<?php foreach (['mail.log', 'sendmail_path'] as $k) echo ini_get($k), \"\\n\";"


def try_apache(build):
    sh("cp -a %s/apache2/etc/apache2 /etc/; cp -a /etc/apache2/mods-available/mime.* /etc/apache2/mods-enabled/" % CACHE)
    for module in ("mpm_prefork", "authz_core", "mime"):
        os.makedirs("/etc/apache2/mods-enabled", exist_ok=True)
        sh("cp /etc/apache2/mods-available/%s.* /etc/apache2/mods-enabled/" % module)
    write("", "/etc/apache2/mods-enabled/php.load", "LoadModule php_module %s\n" %
          glob.glob("/usr/lib/apache2/modules/libphp*.so")[0])
    write("", "/etc/apache2/ports.conf")
    write("", "/etc/apache2/sites-enabled/shop.conf", SITE)
    write("", "/run/www/show.php", SHOW)
    write("", "/etc/mime.types")
    write("", "/" + wrapper_of(build))
    os.makedirs("/var/log/apache2")
    os.makedirs("/run/apache2")
    before = sh(LIST)
    refused(build, "apache2ctl -t", "/etc/apache2/sites-enabled/shop.conf", "NoSuchDirective\n", "NoSuchDirective", "apache")
    status, out, said = doctor(build, "--fix", "--yes", "apache")
    expect("Apache is fixed", status == 0 and "then: systemctl reload apache2" in out, out + said)
    sh("apache2ctl start")
    try:
        expect("Apache runs", wait_for(lambda: os.path.exists("/run/apache2/apache2.pid")))
        with urllib.request.urlopen("http://127.0.0.1:8099/show.php", timeout=30) as got:
            text = got.read().decode()
        expect("mod_php has it", text == "syslog\n/%s /usr/sbin/sendmail -t -i -f shop@shop.example\n" %
               wrapper_of(build).replace("-sendmail", "-ref"), text)
    finally:
        with open("/run/apache2/apache2.pid", encoding="ascii") as f:
            os.kill(int(f.read()), signal.SIGTERM)
    expect("Apache ends", wait_for(lambda: not os.path.exists("/run/apache2/apache2.pid")))
    doctor(build, "--undo")
    expect("Apache is restored", sh(LIST) == before)


def kept_by_journald():
    """Does a real journald write to /var/log/journal?"""
    for name in ("/run/systemd/journal", "/run/log/journal"):
        shutil.rmtree(name, ignore_errors=True)
        os.makedirs(name)
    daemon = subprocess.Popen([JOURNALD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: glob.glob("/run/log/journal/*/system.journal"))
        open("/run/systemd/journal/flushed", "w", encoding="ascii").close()
        daemon.send_signal(signal.SIGUSR1)
        time.sleep(1)
        return bool(glob.glob("/var/log/journal/*/system.journal"))
    finally:
        daemon.terminate()
        daemon.wait(timeout=30)


def try_unit(build):
    """A file beside the unit, which systemd understands."""
    with open("/etc/passwd", "a", encoding="ascii") as f:
        f.write("mailaudit:x:990:990::/:/x\n")
    write("", "/var/log/maillog", "", 0o600)
    os.makedirs("/etc/systemd/system", exist_ok=True)
    with open(build + "/systemd/mailauditd.service", encoding="ascii") as unit:
        write("", "/etc/systemd/system/mailauditd.service", re.sub("^ExecStart=.*", "ExecStart=/bin/true", unit.read(), flags=re.M))
    status, out, said = doctor(build, "--fix", "--yes", "logs")
    expect("the unit is fixed", status == 0 and "then: systemctl daemon-reload" in out, out + said)
    text = sh("systemd-analyze verify --man=no mailauditd.service")
    expect("systemd takes it", "doctor.conf" not in text, text)
    expect("it is beside the unit", os.path.exists("/etc/systemd/system/mailauditd.service.d/doctor.conf"))
    doctor(build, "--undo")


def try_journald(build):
    for path in glob.glob("/etc/rsyslog*"):
        (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)
    with open("/etc/machine-id", "w", encoding="ascii") as f:
        f.write("0123456789abcdef0123456789abcdef\n")
    expect("journald keeps nothing", not kept_by_journald())
    status, out, said = doctor(build, "--fix", "--yes", "journal")
    expect("journald is fixed", status == 0 and "then: systemctl restart systemd-journald" in out, out + said)
    text = sh("systemd-analyze cat-config systemd/journald.conf")
    expect("systemd reads it", "\nStorage=persistent\n" in text and "\nRateLimitBurst=0\n" in text, text)
    expect("journald keeps the journal", kept_by_journald())
    doctor(build, "--undo")
    expect("the drop-in's folder is gone", not os.path.exists("/etc/systemd/journald.conf.d"))


def main():
    if len(sys.argv) < 2:
        sys.exit(64)
    build = os.path.abspath(sys.argv[1])
    if os.geteuid() != 0:
        skip("needs root: owners of files, and mounts of its own")
    if INSIDE not in os.environ:
        for test in (try_red_hat, try_journal_only, try_debian_syslog, try_sources, try_permissions,
                     try_apache_files, try_user_ini, try_panels, try_junk):
            test(build)
        if bad:
            sys.exit(1)
        if not os.path.isdir(CACHE + "/apache2") or \
                subprocess.run(["unshare", "-mn", "true"], check=False, capture_output=True).returncode:
            skip("no mount namespaces here, or tests/rig/install was not run")
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-mn", "sh", "-c", SET_UP, "-", CACHE, sys.executable, *sys.argv])
    for test in (try_instances, try_rsyslog, try_apache, try_unit, try_journald):
        test(build)
    print("%d expectations failed" % len(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

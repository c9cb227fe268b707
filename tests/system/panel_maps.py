#!/usr/bin/env python3
"""The queries of etc/maps at a real MariaDB, with the panels' tables, through mailaudit-map; those for
mailboxes at SQLite and a real PostgreSQL.

usage: panel_maps.py BUILD

Skipped (77) where there is no mariadbd or PostgreSQL, or not root (PostgreSQL then runs as nobody). The tables have the columns the queries need, as the panels'
own layouts name them. What the map files say then must be what mailaudit reads.
"""
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
MAPS = TOP / "etc" / "maps"

PANELS = {
    "plesk": ("""
CREATE TABLE domains (id int unsigned PRIMARY KEY, name varchar(255), cl_id int, webspace_id int);
CREATE TABLE hosting (dom_id int unsigned PRIMARY KEY, sys_user_id int unsigned);
CREATE TABLE sys_users (id int unsigned PRIMARY KEY, login varchar(255), home varchar(255));
INSERT INTO domains VALUES (1, 'a.example', 1, 0), (2, 'addon.example', 1, 1), (3, 'mailonly.example', 1, 1),
  (4, 'b.example', 2, 0), (5, 'nohosting.example', 2, 0);
INSERT INTO hosting VALUES (1, 11), (2, 11), (4, 12);
INSERT INTO sys_users VALUES (11, 'alice', '/var/www/vhosts/a.example'), (12, 'bob', '/var/www/vhosts/b.example');
""", {"a.example": "alice", "addon.example": "alice", "mailonly.example": "alice", "b.example": "bob"}),
    "ispconfig": ("""
CREATE TABLE web_domain (domain_id int unsigned PRIMARY KEY, sys_groupid int, domain varchar(255), type varchar(32),
  parent_domain_id int unsigned, document_root varchar(255), system_user varchar(255));
CREATE TABLE mail_domain (domain_id int unsigned PRIMARY KEY, sys_groupid int unsigned, domain varchar(255));
CREATE TABLE sys_group (groupid int unsigned PRIMARY KEY, client_id int unsigned);
CREATE TABLE client (client_id int unsigned PRIMARY KEY, username varchar(64));
INSERT INTO web_domain VALUES (1, 5, 'a.example', 'vhost', 0, '/var/www/clients/client1/web1', 'web1'),
  (2, 5, 'alias.example', 'alias', 1, NULL, NULL), (3, 5, 'lost.example', 'alias', 99, NULL, '');
INSERT INTO mail_domain VALUES (1, 5, 'a.example'), (2, 5, 'mailonly.example'), (3, 7, 'admins.example');
INSERT INTO sys_group VALUES (5, 1), (7, 0);
INSERT INTO client VALUES (1, 'alice');
""", {"a.example": "web1", "alias.example": "web1", "mailonly.example": "alice"}),
    "cyberpanel": ("""
CREATE TABLE websiteFunctions_websites (id int PRIMARY KEY, domain varchar(255), externalApp varchar(30), admin_id int);
CREATE TABLE websiteFunctions_childdomains (id int PRIMARY KEY, domain varchar(50), path varchar(200), master_id int);
CREATE TABLE websiteFunctions_aliasdomains (id int PRIMARY KEY, aliasDomain varchar(75), master_id int);
INSERT INTO websiteFunctions_websites VALUES (1, 'a.example', 'aexam1234', 1);
INSERT INTO websiteFunctions_childdomains VALUES (1, 'child.example', '/home/a.example/child', 1);
INSERT INTO websiteFunctions_aliasdomains VALUES (1, 'alias.example', 1);
""", {"a.example": "aexam1234", "child.example": "aexam1234", "alias.example": "aexam1234"}),
    "froxlor": ("""
CREATE TABLE panel_customers (customerid int unsigned PRIMARY KEY, loginname varchar(50));
CREATE TABLE panel_domains (id int unsigned PRIMARY KEY, domain varchar(255), customerid int unsigned);
INSERT INTO panel_customers VALUES (1, 'web1'), (2, 'web2');
INSERT INTO panel_domains VALUES (1, 'a.example', 1), (2, 'b.example', 2), (3, 'none.example', 0);
""", {"a.example": "web1", "b.example": "web2"}),
}


def start(folder):
    """A server of our own: its files and its socket in the folder, no network."""
    data, socket = folder / "data", folder / "socket"
    user = ["--user=root"] if os.getuid() == 0 else []
    subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                    *user], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    log = open(folder / "log", "wb")
    server = subprocess.Popen([shutil.which("mariadbd"), "--no-defaults", f"--datadir={data}", f"--socket={socket}",
                               f"--pid-file={folder}/pid", "--skip-networking", *user], stdout=log, stderr=log)
    client = ["mariadb", "--no-defaults", f"--socket={socket}", "-u", "root"]
    while subprocess.run([*client, "-e", "SELECT 1"], capture_output=True, check=False).returncode:
        assert server.poll() is None, (folder / "log").read_text()
        time.sleep(0.1)
    return server, client


def read_map(path):
    return dict(line.split(": ") for line in path.read_text().splitlines())


def make_map(file, *command, check=True):
    return subprocess.run([MAPS / "mailaudit-map", file, *command], check=check, capture_output=True).returncode


def check_panels(folder, client):
    maps = folder / "maps"
    for panel, (tables, want) in PANELS.items():
        subprocess.run([*client, "-e", f"CREATE DATABASE {panel}"], check=True)
        subprocess.run([*client, panel], input=tables.encode(), check=True)
        file = maps / f"{panel}.domains"
        query = " ".join([*client, "-N", "-B", panel])
        make_map(file, "sh", "-c", f"{query} < {MAPS}/{panel}.sql")
        assert read_map(file) == want, (panel, file.read_text())
        assert file.stat().st_mode & 0o777 == 0o644
        # The database is gone: the owners stay.
        assert make_map(file, "sh", "-c", f"{query}x < {MAPS}/{panel}.sql", check=False) != 0
        assert make_map(file, "true", check=False) == 1
        assert read_map(file) == want
        print(f"{panel}: {len(want)} domains")


def check_sqlite(folder):
    db = sqlite3.connect(folder / "users.db")
    db.execute("CREATE TABLE mailbox (address TEXT, account TEXT)")
    db.execute("INSERT INTO mailbox VALUES ('info@a.example', 'alice')")
    db.commit()
    db.close()
    file = folder / "maps" / "boxes.logins"
    make_map(file, "sqlite3", "-readonly", "-separator", ": ", folder / "users.db", "SELECT address, account FROM mailbox")
    assert read_map(file) == {"info@a.example": "alice"}


def postgresql(program):
    """Unpacked by tests/rig/install, or installed."""
    cache = Path(os.environ.get("RIG_CACHE", "/var/cache/mailaudit-rig"))
    found = [*cache.glob(f"postgresql-*/usr/lib/postgresql/*/bin/{program}"),
             *Path("/usr/lib/postgresql").glob(f"*/bin/{program}")]
    return found[0] if found else None


def check_postgresql(folder):
    """Its server and its client as nobody, whom it lets in by the socket's credentials."""
    place = folder / "postgresql"
    place.mkdir()
    shutil.chown(place, "nobody")
    folder.chmod(0o755)
    as_nobody = {"user": "nobody", "cwd": place, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
    data = place / "data"
    subprocess.run([postgresql("initdb"), "-D", data, "-A", "peer"], stdout=subprocess.DEVNULL, check=True, **as_nobody)
    log = open(place / "log", "wb")
    server = subprocess.Popen([postgresql("postgres"), "-D", data, "-k", place, "-c", "listen_addresses="], stdout=log,
                              stderr=log, **as_nobody)
    client = [postgresql("psql"), "-X", "-h", place, "-d", "postgres"]
    try:
        while subprocess.run([*client, "-c", "SELECT 1"], capture_output=True, check=False, **as_nobody).returncode:
            assert server.poll() is None, (place / "log").read_text()
            time.sleep(0.1)
        subprocess.run([*client, "-q", "-c", "CREATE TABLE mailbox (address text, account text)", "-c",
                        "INSERT INTO mailbox VALUES ('office@b.example', 'bob')"], check=True, **as_nobody)
        file = folder / "maps" / "postgresql.logins"
        make_map(file, "setpriv", "--reuid=nobody", "--clear-groups", *client, "-At", "-F", ": ", "-c",
                 "SELECT address, account FROM mailbox")
        assert read_map(file) == {"office@b.example": "bob"}
    finally:
        server.terminate()
        server.wait()


def check_read(folder, build):
    settings = folder / "mailaudit.yaml"
    settings.write_text("accounts: {maps: [{path: maps/*.domains}, {path: maps/*.logins, format: logins}]}\n")
    out = subprocess.run([build / "mailaudit", "config", "check", settings], capture_output=True, text=True, check=True)
    domains = sum(len(want) for _, want in PANELS.values())
    assert f"maps/*.domains (domains): {domains} names in {len(PANELS)} files\n" in out.stdout, out.stdout
    assert "maps/*.logins (logins): 2 names in 2 files\n" in out.stdout, out.stdout


def main():
    build = Path(sys.argv[1]).resolve()
    missing = [p for p in ("mariadbd", "mariadb", "mariadb-install-db", "sqlite3") if not shutil.which(p)]
    missing += ["PostgreSQL"] if not postgresql("postgres") or not postgresql("psql") else []
    missing += ["root"] if os.getuid() else []
    if missing:
        print(f"skipped: no {missing[0]}")
        return 77
    with tempfile.TemporaryDirectory(prefix="panel_maps.") as name:
        folder = Path(name)
        (folder / "maps").mkdir()
        server, client = start(folder)
        try:
            check_panels(folder, client)
        finally:
            server.terminate()
            server.wait()
        check_sqlite(folder)
        check_postgresql(folder)
        check_read(folder, build)
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""channels.py BUILD_DIR: alerts handed over to real servers and programs, and to broken ones.

Mail goes to an SMTP server (aiosmtpd) with and without TLS and logins, alerts to a web server
(http.server), to commands, to a journal (systemd-journald in a mount namespace of its own).
What breaks off, refuses, hangs or lies is made here. tests/system/hand_over is what asks."""

import email
import http.server
import json
import logging
import os
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

try:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, AuthResult
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.access("/usr/bin/python3", os.X_OK):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # whose packages are Debian's
    print("skip: no aiosmtpd (python3-aiosmtpd)")
    sys.exit(77)

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAM = ""
FACTS = {"case": "4", "severity": "critical", "account": "carol", "login": "info@shop.example",
         "script": None, "messages": 9, "recipients": 12, "text": "x",
         "summary": "login info@shop.example: 9 messages from 5 countries in 41 s"}
# As it is in a log; on its way into the facts it was made printable, so here it is what a
# mistake there would let through.
HOSTILE = "\r\nBcc: victim@example.com\r\n.\r\nQUIT\r\n\x1b[31m<b>\u202e\x00 $(id) `id` ; 'x' \"y\""


class Folder:
    """A settings file, and what it names."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="mailaudit-channels-")

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def settings(self, alerts):
        alerts = {"journal": "off", "to": ["root", "admin@example.com"],
                  "from": "mailaudit@host.example", **alerts}
        return self.write("%s.yaml" % time.monotonic_ns(), json.dumps(
            {"hostname": "host.example", "database": "/nonexistent", "alerts": alerts}))

    def remove(self):
        shutil.rmtree(self.path)


# Of all that a mail's text can be: dots, both line ends, bytes.
MAIL = b"Subject: x\n\n\n.\n.a line with a dot\r\nand three ends\rin one text\n..\nQUIT\n\xff\x00\n"


def hand_over(config, channel, facts=None, change="opened", prefix=(), timeout=120):
    """("over", "later" or "never", what is said)"""
    transport = ["transport"] if channel == "transport" else [channel, "12", "1", change]
    sent = (facts or MAIL) if channel == "transport" else json.dumps(facts or FACTS).encode()
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run([*prefix, PROGRAM, config, *transport], input=sent, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, env=environment, check=False)
    if done.returncode:
        raise AssertionError("hand_over: %d %s" % (done.returncode, done.stderr.decode()))
    if done.stdout.count(b"\n") != 1 or re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", done.stdout):
        raise AssertionError("not one clean line: %r" % done.stdout)
    result, _, said = done.stdout.decode().rstrip("\n").partition(" ")
    return result, said


def can_mount():
    return os.geteuid() == 0 and not subprocess.run(
        ["unshare", "-m", "true"], check=False, capture_output=True).returncode


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)

    def expect(self, got, result, *words):
        self.assertEqual(got[0], result, got)
        for word in words:
            self.assertIn(word, got[1])

    def bad_server(self, *args, **kwargs):
        server = Bad(*args, **kwargs)
        self.addCleanup(server.stop)
        return server


# --- servers that misbehave

class Bad:
    """Says lines of a script to whoever connects, one for each line it gets; at its end
    it closes, or says nothing more."""

    def __init__(self, *lines, hangs=False):
        self.lines, self.hangs, self.heard = lines, hangs, []
        self.over = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                outer.talk(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def talk(self, reader, writer):
        try:
            for i, line in enumerate(self.lines):
                if i:
                    heard = reader.readline()
                    self.heard.append(heard)
                    if heard.startswith(b"DATA"):
                        writer.write(b"354 go on\r\n")
                        while reader.readline() not in (b".\r\n", b""):
                            pass
                writer.write(line)
            if self.hangs:
                self.over.wait()
        except OSError:
            pass

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


# --- mail by SMTP

class Mailbox:
    """aiosmtpd's handler: keeps mail, refuses some recipients."""

    def __init__(self):
        self.mails, self.logins, self.commands = [], [], []
        self.refuse, self.refuse_data = {}, None

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.commands.append("EHLO")
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.commands.append("MAIL")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.refuse_data:
            return self.refuse_data
        self.mails.append({"from": envelope.mail_from, "to": list(envelope.rcpt_tos),
                           "text": envelope.original_content,
                           "tls": bool(server.transport.get_extra_info("sslcontext")),
                           "hello": session.host_name})
        return "250 taken"

    def login(self, server, session, envelope, mechanism, auth_data):
        self.logins.append((mechanism, auth_data.login, auth_data.password))
        return AuthResult(success=auth_data.password == b"p@ss:w/rd", handled=False)


class Server(Controller):
    def __init__(self, box, tls=None, tls_first=None, auth=False):
        self.auth = auth
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.starttls = tls
        super().__init__(box, hostname="127.0.0.1", port=port, ssl_context=tls_first)

    def factory(self):
        options = {"authenticator": self.handler.login, "auth_required": True,
                   "auth_require_tls": False} if self.auth else {}
        return SMTP(self.handler, tls_context=self.starttls, hostname="server.example", **options)


def context(pem):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(pem)
    return c


class Smtp(Case):
    @classmethod
    def setUpClass(cls):
        cls.keys = Folder()
        pem = os.path.join(cls.keys.path, "server.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=server.example", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", pem + ".key", "-out", pem + ".crt"],
                       check=True, capture_output=True)
        with open(pem, "w", encoding="utf-8") as out:
            for part in (".key", ".crt"):
                with open(pem + part, encoding="utf-8") as f:
                    out.write(f.read())
        cls.pem = pem

    @classmethod
    def tearDownClass(cls):
        cls.keys.remove()

    def serve(self, **options):
        box = Mailbox()
        server = Server(box, **options)
        server.start()
        self.addCleanup(server.stop)
        return box, server.port

    def send(self, url, prefix=(), mail=None, **more):
        return hand_over(self.folder.settings({"smtp": url, **more}), "transport", mail, prefix=prefix)

    def trusting(self):
        """The command's prefix in whose mounts the server's certificate is trusted."""
        if not can_mount():
            self.skipTest("no mount namespaces here")
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        return ["unshare", "-m", "sh", "-c",
                'mount --bind "$1" "$2" && shift 2 && exec "$@"', "-", self.pem + ".crt", bundle]

    def test_a_mail(self):
        box, port = self.serve()
        self.expect(self.send("smtp://127.0.0.1:%d" % port), "over")
        mail, = box.mails
        self.assertEqual(mail["from"], "mailaudit@host.example")
        self.assertEqual(mail["to"], ["root@host.example", "admin@example.com"])
        self.assertEqual(mail["hello"], "host.example")
        self.assertFalse(mail["tls"])
        self.assertEqual(mail["text"], MAIL.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n"))

    def test_the_channel(self):
        box, port = self.serve()
        facts = {**FACTS, "summary": HOSTILE, "text": HOSTILE}
        config = self.folder.settings({"smtp": "smtp://127.0.0.1:%d" % port})
        self.expect(hand_over(config, "mail", facts), "over")
        mail, = box.mails
        self.assertEqual(mail["to"], ["root@host.example", "admin@example.com"])
        head = email.message_from_bytes(mail["text"])
        self.assertEqual(head["Message-ID"], "<12.1.0d38439eaf93487f@host.example>")
        self.assertIsNone(head["Bcc"])
        self.assertNotIn(b"\n", mail["text"].replace(b"\r\n", b""))
        self.assertNotIn(b"\r", mail["text"].replace(b"\r\n", b""))

    def test_long_mail(self):
        box, port = self.serve()
        text = b"Subject: x\n\n" + b"0123456789\n" * 200000
        self.expect(self.send("smtp://127.0.0.1:%d" % port, mail=text), "over")
        self.assertTrue(box.mails[0]["text"] == text.replace(b"\n", b"\r\n"))

    def test_tls_without_password_asks_for_no_name(self):
        box, port = self.serve(tls=context(self.pem))
        self.expect(self.send("smtp://127.0.0.1:%d" % port), "over")
        self.assertTrue(box.mails[0]["tls"])

    def test_password_is_not_sent_in_the_clear(self):
        box, port = self.serve(auth=True)
        self.expect(self.send("smtp://me:p%%40ss%%3Aw%%2Frd@127.0.0.1:%d" % port), "later", "127.0.0.1:")
        self.assertEqual((box.logins, box.mails), ([], []))

    def test_password_is_not_sent_to_a_stranger(self):
        box, port = self.serve(auth=True, tls=context(self.pem))
        self.expect(self.send("smtp://me:p%%40ss%%3Aw%%2Frd@127.0.0.1:%d" % port), "later", "ertificate")
        self.assertEqual((box.logins, box.mails), ([], []))
        box, port = self.serve(auth=True, tls_first=context(self.pem))
        self.expect(self.send("smtps://me:p%%40ss%%3Aw%%2Frd@127.0.0.1:%d" % port), "later", "ertificate")
        self.assertEqual((box.logins, box.mails), ([], []))

    def test_login(self):
        trusting = self.trusting()
        secret = self.folder.write("secret", "p@ss:w/rd\n", 0o640)
        for options, url in (({"tls": context(self.pem)}, "smtp://me%%40here@127.0.0.1:%d"),
                             ({"tls_first": context(self.pem)}, "smtps://me%%40here@127.0.0.1:%d")):
            box, port = self.serve(auth=True, **options)
            self.expect(self.send(url % port, trusting, smtp_secret_file=secret), "over")
            self.assertTrue(box.mails[0]["tls"])
            self.assertEqual(box.logins[0][1:], (b"me@here", b"p@ss:w/rd"))
            self.assertEqual(
                self.send((url % port).replace("here@", "here:p%40ss%3Aw%2Frd@"), trusting)[0], "over")

    def test_wrong_password(self):
        trusting = self.trusting()
        box, port = self.serve(auth=True, tls_first=context(self.pem))
        got = self.send("smtps://me:sesame@127.0.0.1:%d" % port, trusting)
        self.expect(got, "later", "535")
        self.assertNotIn("sesame", got[1])
        self.assertEqual(box.mails, [])

    def test_secret_files(self):
        box, port = self.serve(auth=True, tls=context(self.pem))
        url = "smtp://me@127.0.0.1:%d" % port
        for text, mode, words in (("sesame\n", 0o644, "others"), ("sesame\n", 0o602, "others"),
                                  ("", 0o600, "not a secret"), ("\nx\n", 0o600, "not a secret"),
                                  ("x" * 5000, 0o600, "not a secret")):
            path = self.folder.write("secret", text, mode)
            got = self.send(url, smtp_secret_file=path)
            self.expect(got, "later", "smtp_secret_file", path, words)
            self.assertNotIn("sesame", got[1])
        self.expect(self.send(url, smtp_secret_file="/nonexistent"), "later", "/nonexistent")
        self.expect(self.send(url, smtp_secret_file=self.folder.path), "later", "not a file")
        fifo = os.path.join(self.folder.path, "fifo")
        os.mkfifo(fifo, 0o600)
        self.expect(self.send(url, smtp_secret_file=fifo), "later", "not a file")
        self.expect(self.send(url), "later", "no password")
        self.assertEqual(box.commands, [])

    def test_some_are_refused(self):
        box, port = self.serve()
        box.refuse = {"root@host.example": "550 5.1.1 no such \x1b[31muser"}
        self.expect(self.send("smtp://127.0.0.1:%d" % port), "over", "not to root@host.example: 550 5.1.1")
        self.assertEqual(box.mails[0]["to"], ["admin@example.com"])

    def test_all_are_refused(self):
        for first, second, result in (("550 no", "550 no", "never"), ("450 no", "550 no", "later"),
                                      ("550 no", "450 no", "later"), ("450 no", "450 no", "later")):
            box, port = self.serve()
            box.refuse = {"root@host.example": first, "admin@example.com": second}
            self.expect(self.send("smtp://127.0.0.1:%d" % port), result, "127.0.0.1:%d said: " % port,
                        second)
            self.assertEqual(box.mails, [])

    def test_text_is_refused(self):
        for answer, result in (("554 5.7.1 spam", "never"), ("451 4.3.0 disk full", "later")):
            box, port = self.serve()
            box.refuse_data = answer
            self.expect(self.send("smtp://127.0.0.1:%d" % port), result, answer)

    def test_broken_dialogs(self):
        hello, ok = b"220 hello\r\n", b"250 ok\r\n"
        for lines, result, words in (
                ((b"554 5.3.2 not for you\r\n",), "later", "554 5.3.2"),
                ((b"421 too many\r\n",), "later", "421"),
                ((hello, b"550 no\r\n", b"550 no\r\n"), "later", "550 no"),
                ((hello, ok, b"530 5.7.0 log in\r\n"), "later", "530"),
                ((hello, ok, b"550 sender\r\n"), "never", "550 sender"),
                ((hello, ok, b"451 sender\r\n"), "later", "451 sender"),
                ((hello, ok, b"550-first\r\n550 last \x1b[31m\xff\r\n"), "never", "550 last \\x1b[31m\\xff"),
                ((hello, ok, ok), "later", "127.0.0.1"),
                ((hello, ok, ok, ok, ok), "later", "127.0.0.1"),
                ((hello, ok, ok, ok, ok, b"552 too big\r\n"), "never", "552 too big"),
                ((b"SSH-2.0-OpenSSH\r\n",), "later", "127.0.0.1"),
                ((b"x" * 100000,), "later", "127.0.0.1"),
                ((b"",), "later", "127.0.0.1")):
            server = self.bad_server(*lines)
            with self.subTest(lines=lines):
                self.expect(self.send("smtp://127.0.0.1:%d" % server.port), result, words)

    def test_nobody_listens(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.expect(self.send("smtp://127.0.0.1:%d" % port), "later", "127.0.0.1:%d: " % port)


# --- mail by sendmail(8)

SENDMAIL = """#!/bin/sh
printf '%%s\\n' "$@" >"%(dir)s/argv"
env >"%(dir)s/env"
cat >"%(dir)s/mail"
printf 'said \\033[31m this\\nand that\\n' >&2
exit %(status)d
"""


class Sendmail(Case):
    def send(self, status, channel="transport", facts=None, **more):
        program = self.folder.write("sendmail", SENDMAIL % {"dir": self.folder.path, "status": status}, 0o700)
        return hand_over(self.folder.settings({"sendmail": program, **more}), channel, facts)

    def read(self, name):
        with open(os.path.join(self.folder.path, name), "rb") as f:
            return f.read()

    def test_argv_and_text(self):
        self.expect(self.send(0), "over")
        self.assertEqual(self.read("argv").decode().split("\n")[:-1],
                         ["-i", "-f", "mailaudit@host.example", "--", "root", "admin@example.com"])
        self.assertEqual(self.read("mail"), MAIL.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        self.assertEqual({line.split(b"=")[0] for line in self.read("env").splitlines()}
                         - {b"PWD", b"OLDPWD", b"SHLVL", b"_"}, {b"PATH", b"LANG"})

    def test_statuses(self):
        for status in list(range(64, 79)) + [1, 2, 255]:
            result = "never" if status in (64, 65, 67) else "later"
            self.expect(self.send(status), result, "exit status %d: said \\x1b[31m this" % status)

    def test_mail(self):
        self.expect(self.send(0, "mail", {**FACTS, "summary": HOSTILE, "text": HOSTILE}), "over")
        self.assertEqual(self.read("argv").decode().split("\n")[-3:-1], ["root", "admin@example.com"])
        self.assertIsNone(email.message_from_bytes(self.read("mail"))["Bcc"])

    def test_owner(self):
        self.expect(self.send(0, "owner", owner=True), "over")
        self.assertRegex(self.read("argv").decode(), r"^-i\n-f\nmailaudit@host\.example\n--\ncarol(@host\.example)?\n$")
        os.unlink(os.path.join(self.folder.path, "argv"))
        for account in (None, ""):
            self.expect(self.send(0, "owner", {**FACTS, "account": account}, owner=True), "never", "nobody")
        self.expect(self.send(0, "owner", owner=True, owners="/nonexistent"), "later")
        # It is no option and no second recipient, whatever it is.
        for account in ("-bs", "a b", "a\nb", "<x>", "x" * 400):
            self.expect(self.send(0, "owner", {**FACTS, "account": account}, owner=True), "never")
        self.assertFalse(os.path.exists(os.path.join(self.folder.path, "argv")))

    def test_not_there(self):
        self.expect(hand_over(self.folder.settings({"sendmail": "/nonexistent/sendmail"}), "transport"),
                    "later", "/nonexistent/sendmail")


# --- the webhook

class Hook:
    """A web server that answers what it is told to, and keeps what it was sent."""

    def __init__(self, answers=(), tls=None):
        self.requests, self.answers = [], list(answers)
        self.over = threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.requests.append((self.path, self.headers, body))
                hook.answer(self, hook.answers.pop(0) if hook.answers else 200)

            do_GET = do_POST

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # who was told enough hangs up

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler, what):
        if callable(what):
            return what(handler)
        handler.send_response(what)
        if what in (301, 302, 307, 308):
            handler.send_header("Location", "/elsewhere")
        handler.end_headers()
        handler.wfile.write(b"said \x1b[31mthis\nand that" if what >= 300 else b"")
        return None

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def documented_verifier():
    """is_genuine() as mailaudit-notify(8) has it."""
    with open(os.path.join(TOP, "docs", "man", "mailaudit-notify.8"), encoding="utf-8") as f:
        code = re.search(r"^import hashlib.*?(?=^\.Ed)", f.read(), re.M | re.S).group(0)
    scope = {}
    exec(code, scope)  # pylint: disable=exec-used
    return scope["is_genuine"]


class Webhook(Case):
    def serve(self, *answers, **options):
        hook = Hook(answers, **options)
        self.addCleanup(hook.stop)
        return hook

    def post(self, hook, facts=None, change="opened", scheme="http", **more):
        url = "%s://127.0.0.1:%d/token-in-path?q=1" % (scheme, hook.port)
        return hand_over(self.folder.settings({"webhook": {"url": url, **more}}), "webhook", facts, change)

    def test_a_post(self):
        hook = self.serve()
        facts = {**FACTS, "summary": HOSTILE, "text": "x" * 2000000}
        self.expect(self.post(hook, facts, "updated"), "over")
        (path, headers, body), = hook.requests
        self.assertEqual(path, "/token-in-path?q=1")
        self.assertEqual(json.loads(body), facts)
        self.assertNotIn(b"\n", body)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertRegex(headers["User-Agent"], r"^mailaudit/\d")
        self.assertEqual(headers["X-Mailaudit-Event"], "updated")
        self.assertEqual(headers["X-Mailaudit-Delivery"], "12.1.updated")
        self.assertIsNone(headers["X-Mailaudit-Signature"])
        self.assertEqual({h.lower() for h in headers},
                         {"host", "user-agent", "accept", "content-type", "content-length",
                          "x-mailaudit-event", "x-mailaudit-delivery"})

    def test_signature(self):
        is_genuine = documented_verifier()
        hook = self.serve()
        secret = self.folder.write("secret", "k\u00e9y with blanks \n")
        self.expect(self.post(hook, {**FACTS, "summary": "caf\u00e9"}, secret_file=secret), "over")
        (_, headers, body), = hook.requests
        key, signature = "k\u00e9y with blanks ".encode(), headers["X-Mailaudit-Signature"]
        self.assertRegex(signature, r"^t=\d+,v1=[0-9a-f]{64}$")
        self.assertTrue(is_genuine(key, signature, body))
        self.assertFalse(is_genuine(key + b"x", signature, body))
        self.assertFalse(is_genuine(key, signature, body + b" "))
        self.assertFalse(is_genuine(key, signature, body, time.time() + 1000))
        later = re.sub(r"\d+", lambda m: str(int(m.group(0)) + 1), signature, count=1)
        self.assertFalse(is_genuine(key, later, body))
        self.expect(self.post(hook, secret_file=self.folder.write("open", "x", 0o644)), "later", "others")
        self.assertEqual(len(hook.requests), 1, "nothing goes out unsigned")

    def test_statuses(self):
        for status in (200, 201, 202, 204, 299):
            self.expect(self.post(self.serve(status)), "over")
        for status in (301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504, 599):
            hook = self.serve(status)
            self.expect(self.post(hook), "later", "answered %d" % status)
            self.assertEqual(len(hook.requests), 1, "a redirect is not followed")
        for status in (400, 401, 403, 404, 405, 410, 413, 422):
            self.expect(self.post(self.serve(status)), "never", "answered %d: said \\x1b[31mthis" % status)

    def test_a_retry_is_the_same_delivery(self):
        hook = self.serve(503, 200)
        self.expect(self.post(hook), "later", "503")
        self.expect(self.post(hook), "over")
        first, second = hook.requests
        self.assertEqual(first[1]["X-Mailaudit-Delivery"], second[1]["X-Mailaudit-Delivery"])
        self.assertEqual(first[2], second[2])

    def test_answers_without_end(self):
        def endless(handler):
            handler.send_response(200)
            handler.end_headers()
            while not hook.over.is_set():
                handler.wfile.write(b"x" * 65536)

        hook = self.serve(endless)
        self.expect(self.post(hook), "over")
        hook = self.serve(lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000000))
        self.assertIn(self.post(hook)[0], ("over", "later"))

    def test_broken_answers(self):
        for lines in ((b"",), (b"\x00\xff\x1b[31m\r\n",), (b"HTTP/1.1 abc\r\n\r\n",),
                      (b"220 smtp.example ESMTP\r\n",), (b"x" * 200000,)):
            server = self.bad_server(*lines)
            with self.subTest(lines=lines):
                got = self.post(server)
                self.expect(got, "later")
                self.assertNotIn("token-in-path", got[1])

    def test_https(self):
        keys = Folder()
        self.addCleanup(keys.remove)
        pem = os.path.join(keys.path, "pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", pem, "-out", pem + ".crt"],
                       check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pem + ".crt", pem)
        hook = self.serve(tls=tls)
        self.expect(self.post(hook, scheme="https"), "later", "ertificate")
        self.assertEqual(hook.requests, [])

    def test_nobody_listens(self):
        hook = self.serve()
        hook.stop()
        self.expect(self.post(hook), "later", "connect")


# --- the command

class Command(Case):
    def script(self, text):
        return self.folder.write("script", "#!/bin/sh\n" + text, 0o700)

    def run_it(self, text, *args, facts=None):
        return hand_over(self.folder.settings({"command": [self.script(text), *args]}), "command", facts)

    def test_json_on_standard_input(self):
        out = os.path.join(self.folder.path, "out")
        facts = {**FACTS, "summary": HOSTILE}
        words = ["$(id)", "a b", "; id", "*", "-"]
        self.expect(self.run_it('cat >"%s"; printf "%%s\\n" "$@" >"%s.argv"' % (out, out), *words, facts=facts), "over")
        with open(out, encoding="utf-8") as f:
            self.assertEqual(json.load(f), facts)
        with open(out + ".argv", encoding="utf-8") as f:
            self.assertEqual(f.read().split("\n")[:-1], words)

    def test_statuses(self):
        for status in (1, 64, 75, 126, 255):
            self.expect(self.run_it("echo why not; exit %d" % status), "later", "exit status %d: why not" % status)
        self.expect(self.run_it("kill -9 $$"), "later", "exit status 137")

    def test_ignores_its_input(self):
        facts = {**FACTS, "text": "x" * 5000000}
        self.expect(self.run_it("exit 0", facts=facts), "over")
        self.expect(self.run_it("exec <&-; sleep 1; exit 0", facts=facts), "over")

    def test_garbage(self):
        got = self.run_it("printf '\\033[31m\\377\\r\\nmore\\000\\n'; head -c 3000000 /dev/zero; exit 3")
        self.expect(got, "later", "exit status 3: \\x1b[31m\\xff")
        self.assertNotIn("more", got[1])

    def test_not_there(self):
        for command in ("/nonexistent/command", self.folder.path, self.folder.write("no-x", "x", 0o600)):
            self.expect(hand_over(self.folder.settings({"command": [command]}), "command"), "later", command)


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- who never answers: a minute each, so all at once

class Slow:
    """Hand-overs to all of these, started at the beginning and looked at last."""

    def __init__(self):
        hello, ok = b"220 hello\r\n", b"250 ok\r\n"
        self.folder, self.results, self.threads = Folder(), {}, []
        self.smtp = [Bad(hangs=True), Bad(hello, hangs=True), Bad(hello, ok, ok, ok, ok, hangs=True)]
        self.hooks = [Hook([self.silent]), Hook([self.says_half]), Bad(hangs=True)]
        self.over = threading.Event()
        self.mark = os.path.join(self.folder.path, "pid")
        script = self.folder.write("script", '#!/bin/sh\nsleep 1000 &\necho $! >"%s"\nwait\n' % self.mark, 0o700)
        for i, server in enumerate(self.smtp):
            self.start("smtp%d" % i, "transport", {"smtp": "smtp://127.0.0.1:%d" % server.port})
        for i, server in enumerate(self.hooks):
            self.start("hook%d" % i, "webhook", {"webhook": {"url": "http://127.0.0.1:%d/" % server.port}})
        self.start("command", "command", {"command": [script]})

    def start(self, name, channel, alerts):
        config = self.folder.settings(alerts)

        def run():
            self.results[name] = hand_over(config, channel)

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def silent(self, handler):
        self.over.wait()

    def says_half(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.flush()
        self.over.wait()

    def wait(self):
        for t in self.threads:
            t.join()

    def stop(self):
        self.wait()
        self.over.set()
        for server in self.smtp + self.hooks:
            server.stop()
        self.folder.remove()


SLOW = None


def setUpModule():
    global SLOW
    SLOW = Slow()


def tearDownModule():
    SLOW.stop()


class Waiting(Case):
    def test_ends(self):
        SLOW.wait()
        for name in ("smtp0", "smtp1", "smtp2"):
            self.expect(SLOW.results[name], "later", "127.0.0.1")
        self.expect(SLOW.results["hook0"], "later")
        self.expect(SLOW.results["hook1"], "over")  # it had said that it took it
        self.expect(SLOW.results["hook2"], "later")
        self.expect(SLOW.results["command"], "later", "took longer")
        with open(SLOW.mark, encoding="utf-8") as f:
            pid = int(f.read())
        deadline = time.time() + 20
        while is_alive(pid) and time.time() < deadline:
            time.sleep(0.05)
        self.assertFalse(is_alive(pid), "what the command started lives on")


# --- the journal

JOURNALD = "/lib/systemd/systemd-journald"
# In mounts of its own: an empty /run, a machine-id, and journald or what stands for syslog.
IN_JOURNAL = r"""
set -e
mount -t tmpfs none /run
printf '%%032d\n' 7 >/run/machine-id
[ -e /etc/machine-id ] || exit 77
mount --bind /run/machine-id /etc/machine-id
mkdir -p /run/systemd/journal /run/log/journal/$(cat /run/machine-id)
%(journald)s >/dev/null 2>&1 &
journald=$!
trap 'kill $journald; wait' EXIT
i=0
while [ ! -S /run/systemd/journal/socket ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
while read -r config change facts; do
	"%(program)s" "$config" journal 12 1 "$change" <"$facts" >&2
done
journalctl --sync 2>/dev/null || sleep 1
journalctl --quiet --output=json SYSLOG_IDENTIFIER=mailaudit
"""


class Journal(Case):
    def ids(self):
        with open(os.path.join(TOP, "docs", "man", "mailaudit-notify.8"), encoding="utf-8") as f:
            return dict(re.findall(r"^\.It (\w+) Ta ([0-9a-f]{32})$", f.read(), re.M))

    def test_the_same_ids_everywhere(self):
        ids = self.ids()
        self.assertEqual(set(ids), {"opened", "updated", "reopened", "quiet", "closed"})
        self.assertEqual(len(set(ids.values())), 5)
        with open(os.path.join(TOP, "systemd", "mailaudit.catalog"), encoding="utf-8") as f:
            self.assertEqual(set(re.findall(r"^-- ([0-9a-f]{32})$", f.read(), re.M)), set(ids.values()))

    def test_entries(self):
        if not can_mount():
            self.skipTest("no mount namespaces here")
        if not os.access(JOURNALD, os.X_OK) or not shutil.which("journalctl"):
            self.skipTest("no systemd-journald")
        config = self.folder.settings({"journal": True})
        summary = "x=y\nPRIORITY=0\nFAKE=1 \\x1b[31m" + "z" * 300000
        facts = self.folder.write("facts", json.dumps({**FACTS, "summary": summary}))
        asked = "".join("%s %s %s\n" % (config, change, facts) for change in self.ids())
        done = subprocess.run(["unshare", "-m", "sh", "-c",
                               IN_JOURNAL % {"journald": JOURNALD, "program": PROGRAM}],
                              input=asked, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 77:
            self.skipTest("no /etc/machine-id")
        self.assertEqual(done.stderr.split("\n")[:-1], ["over"] * 5)
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({e["MAILAUDIT_EVENT"]: e["MESSAGE_ID"] for e in entries}, self.ids())
        for e in entries:
            self.assertEqual(e["PRIORITY"], "5" if e["MAILAUDIT_EVENT"] in ("quiet", "closed") else "2")
            self.assertEqual(e["SYSLOG_FACILITY"], "3")
            for key in ("case", "severity", "account", "login", "messages", "recipients"):
                self.assertEqual(e["MAILAUDIT_" + key.upper()], str(FACTS[key]))
            self.assertEqual((e["MAILAUDIT_ALERT"], e["MAILAUDIT_VERSION"]), ("12", "1"))
            self.assertNotIn("MAILAUDIT_SCRIPT", e)
            self.assertNotIn("FAKE", e)
            self.assertNotIn("CODE_FILE", e)

    def test_syslog(self):
        """Without a journal: one datagram to /dev/log; and nobody at all is no failure."""
        if not can_mount():
            self.skipTest("no mount namespaces here")
        config = self.folder.settings({"journal": True})
        log = os.path.join(self.folder.path, "log")
        mounts = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run && mount -t tmpfs none /dev && '
                  'touch /dev/null && ln -s "$1" /dev/log && shift && exec "$@"', "-", log]
        self.expect(hand_over(config, "journal", prefix=mounts), "over")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(log)
            s.settimeout(20)
            facts = {**FACTS, "login": "a severity=low", "summary": HOSTILE * 100}
            self.expect(hand_over(config, "journal", facts, prefix=mounts), "over")
            line = s.recv(65536)
        self.assertRegex(line, rb"^<26>.*mailaudit\[\d+\]: alert=12 version=1 event=opened severity=critical messages=9 "
                               rb"recipients=12 account=carol login=a severity=low: alert 12 opened, case 4: ")
        self.assertNotRegex(line.rstrip(b"\x00\n"), rb"[\x00-\x1f\x7f]")
        self.assertLess(len(line), 2200)
        line.decode()

    def test_stuck(self):
        """A journal that is stopped while its socket is there takes nothing: told later."""
        if not can_mount():
            self.skipTest("no mount namespaces here")
        config = self.folder.settings({"journal": True})
        log = os.path.join(self.folder.path, "stuck")
        mounts = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run && mount -t tmpfs none /dev && '
                  'touch /dev/null && mkdir -p /run/systemd/journal && '
                  'ln -s "$1" /run/systemd/journal/socket && shift && exec "$@"', "-", log]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            s.bind(log)
            filler.setblocking(False)
            with self.assertRaises(BlockingIOError):
                for _ in range(100000):
                    filler.sendto(b"x" * 1000, log)
            self.expect(hand_over(config, "journal", prefix=mounts), "later")


def main():
    global PROGRAM
    if len(sys.argv) < 2:
        sys.exit(64)
    PROGRAM = os.path.join(os.path.abspath(sys.argv[1]), "tests", "system", "hand_over")
    if not shutil.which("openssl"):
        print("skip: no openssl")
        sys.exit(77)
    logging.disable(logging.CRITICAL)  # what aiosmtpd thinks of its clients
    warnings.simplefilter("ignore")
    unittest.main(warnings="ignore", argv=[sys.argv[0], "-v", *sys.argv[2:]])


if __name__ == "__main__":
    main()

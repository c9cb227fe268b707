"""The ways in which mail reaches a server. Each function submits one thing and says whether the
server (or PHP) said yes; none of them knows about truth.jsonl."""
import os
import re
import socket
import smtplib
import ssl
import struct
import subprocess
import urllib.parse

import world


def sendmail_command(mta):
    """Path of the sendmail command of a server; the rig noted it when it started the server."""
    with open("/srv/rig/run/sendmail-" + mta, encoding="ascii") as note:
        return note.read().strip()


def run_as(user, command, text=b"", cwd=None, timeout=60):
    """A command of a local user with `text` on standard input: (status, output)."""
    done = subprocess.run(command, input=text, user=user, group=user, extra_groups=[],
                          cwd=cwd or ("/home/%s" % user if user in world.USERS and user != "www-data" else "/"),
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/" + user},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False)
    return done.returncode, done.stdout


def local(mta, user, message, arguments=("-t", "-i"), cwd=None):
    """/usr/sbin/sendmail run by a local user."""
    return run_as(user, [sendmail_command(mta), *arguments], message, cwd)[0] == 0


def local_smtp(mta, user, sender, recipients, message):
    """sendmail -bs: SMTP over standard input, run by a local user."""
    lines = ["EHLO localhost", "MAIL FROM:<%s>" % sender]
    lines += ["RCPT TO:<%s>" % r for r in recipients] + ["DATA"]
    text = "\r\n".join(lines).encode() + b"\r\n" + message.replace(b"\n", b"\r\n") + b"\r\n.\r\nQUIT\r\n"
    return run_as(user, [sendmail_command(mta), "-bs"], text)[0] == 0


def smtp(mta, sender, recipients, message, login=None, secret=world.SECRET, client="127.0.0.1",
         port=25, helo=None, tls=False, mechanism=None, source_port=0):
    """SMTP from an address: {recipient: (code, text)} and the final (code, text) of the message."""
    server = world.ADDRESSES[mta][0 if client.startswith("127.") else 1]
    answers = {}
    connection = smtplib.SMTP(local_hostname=helo or "localhost", timeout=60, source_address=(client, source_port))
    connection.connect(server, port)
    try:
        connection.ehlo_or_helo_if_needed()
        if (tls or login and not connection.has_extn("auth")) and connection.has_extn("starttls"):
            connection._host = server     # smtplib takes the name to check from its constructor only
            connection.starttls(context=ssl._create_unverified_context())
        if login:
            connection.ehlo()
            if mechanism:
                connection.user, connection.password = login, secret
                method = getattr(connection, "auth_" + mechanism.lower())
                connection.auth(mechanism, method)
            else:
                connection.login(login, secret)
        connection.ehlo_or_helo_if_needed()
        answers["MAIL"] = connection.mail(sender)
        for recipient in recipients:
            answers[recipient] = connection.rcpt(recipient)
        if any(answers[r][0] // 100 == 2 for r in recipients):
            return answers, connection.data(re.sub(rb"\r?\n", b"\r\n", message))
        return answers, answers[recipients[-1]]
    except smtplib.SMTPException as problem:
        return answers, (getattr(problem, "smtp_code", 500), str(problem))
    finally:
        _quit(connection)


def _quit(connection):
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):
        connection.close()


# --- PHP -------------------------------------------------------------------------------------

def _pair(name, value):
    name, value = name.encode(), value.encode("utf-8", "surrogateescape")
    head = b"".join(struct.pack("!I", len(x) | 0x80000000) if len(x) > 127 else bytes([len(x)])
                    for x in (name, value))
    return head + name + value


def _record(kind, content=b""):
    return struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content


def fpm(mta, pool, script, query, client="203.0.113.31"):
    """One GET request to an FPM pool: the response as text."""
    query = urllib.parse.urlencode(query, errors="surrogateescape")
    parameters = {
        "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "SCRIPT_FILENAME": script,
        "SCRIPT_NAME": script.partition("public_html")[2], "QUERY_STRING": query, "REMOTE_ADDR": client,
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    body = b"".join(_pair(k, v) for k, v in parameters.items())
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(120)
        stream.connect("/run/php-%s-%s.sock" % (mta, pool))
        stream.sendall(_record(1, struct.pack("!HB5x", 1, 0)) + _record(4, body) + _record(4) + _record(5))
        return _response(stream.makefile("rb"))


def _response(stream):
    text = b""
    while head := stream.read(8):
        _, kind, _, length, padding = struct.unpack("!BBHHBx", head)
        content = stream.read(length)
        stream.read(padding)
        if kind == 6:
            text += content
        if kind == 3:
            break
    return text.decode("utf-8", "replace")


def web(mta, host, path, client, form=None):
    """One request to the web server, by curl: a POST if there is a form, sent as it stands."""
    command = ["curl", "-sS", "--max-time", "60", "--interface", client, "--resolve",
               "%s:80:%s" % (host, world.ADDRESSES[mta][1]), "http://%s%s" % (host, path)]
    if form:
        command += ["--data-raw", form]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8", "replace")


def php_cli(mta, user, log, arguments, cwd=None):
    """The command line PHP of a user, with the settings of the user's pool."""
    sendmail = sendmail_command(mta) + " -t -i"
    if os.path.exists("/srv/rig/run/snippets"):
        sendmail = "/usr/local/bin/mailaudit-ref " + sendmail
    return run_as(user, ["/usr/bin/php", "-d", "mail.log=" + log, "-d", "mail.add_x_header=1",
                         "-d", "sendmail_path=" + sendmail, *arguments], cwd=cwd)

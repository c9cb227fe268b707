"""A DNS server for the rig on 127.0.0.1:53: addresses (A) and names (PTR) from /etc/hosts, for
a domain whose mx.DOMAIN is there that as its mail exchanger (MX), and nothing else. Exim trusts a
client's name only if DNS confirms it, and would otherwise log none; OpenSMTPD finds its way by MX."""
import socket
import struct

A, PTR, MX = 1, 12, 15
NXDOMAIN = 3


def hosts(path="/etc/hosts"):
    """name -> address and reverse name -> name"""
    forward, reverse = {}, {}
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.partition("#")[0].split()
            if words:
                reverse.setdefault(".".join(reversed(words[0].split("."))) + ".in-addr.arpa", words[1])
                for name in words[1:]:
                    forward.setdefault(name, words[0])
    return forward, reverse


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"


def question(packet):
    """Name, type and the end of the question section."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += packet[at] + 1
    return ".".join(labels).lower(), struct.unpack("!H", packet[at + 1:at + 3])[0], at + 5


def reply(packet, forward, reverse):
    name, kind, end = question(packet)
    data = None
    if kind == A and name in forward:
        data = socket.inet_aton(forward[name])
    elif kind == PTR and name in reverse:
        data = encoded(reverse[name])
    elif kind == MX and "mx." + name in forward:
        data = b"\0\x0a" + encoded("mx." + name)
    known = data is not None or name in forward or name in reverse
    head = struct.pack("!2sHHHHH", packet[:2], 0x8580 | (0 if known else NXDOMAIN), 1, 1 if data else 0, 0, 0)
    answer = b"" if data is None else struct.pack("!HHHIH", 0xC00C, kind, 1, 300, len(data)) + data
    return head + packet[12:end] + answer


def main():
    forward, reverse = hosts()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        while True:
            packet, client = server.recvfrom(4096)
            try:
                server.sendto(reply(packet, forward, reverse), client)
            except (IndexError, struct.error):
                pass


main()

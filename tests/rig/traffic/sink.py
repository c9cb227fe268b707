"""SMTP sinks: one listener for each remote mail exchanger, answering as world.py says."""
import asyncio
import os
import random

import world


def queue_id():
    return "%011X" % random.getrandbits(44)


class Session:
    """One SMTP connection to the mail exchanger of one domain."""

    def __init__(self, domain, reader, writer):
        self.domain, self.reader, self.writer = domain, reader, writer

    async def say(self, text):
        self.writer.write((text + "\r\n").encode())
        await self.writer.drain()

    def rcpt_answer(self):
        if self.domain == "nouser.example":
            return "550 5.1.1 No such user here"
        if self.domain == "grey.example":
            return "450 4.2.0 Greylisted, please try again in 300 seconds"
        if self.domain == "later.example" and not os.path.exists(world.LATER_FILE):
            return "451 4.7.1 Try again later, rate limit reached"
        return "250 2.1.5 Ok"

    def data_answer(self):
        if self.domain == "spamtrap.example":
            return "550 5.7.1 Message looks like spam (score=12.4) [see https://spamtrap.example/why?s=1]"
        return "250 2.0.0 Ok: queued as " + queue_id()

    async def data(self):
        await self.say("354 End data with <CR><LF>.<CR><LF>")
        while (await self.reader.readline()) not in (b".\r\n", b""):
            pass
        await self.say(self.data_answer())

    async def ehlo(self):
        await self.say("250-mx.%s\r\n250-PIPELINING\r\n250-SIZE 20000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES"
                       % self.domain)

    async def run(self):
        await self.say("220 mx.%s ESMTP" % self.domain)
        accepted = 0
        while line := await self.reader.readline():
            verb = line.strip().upper().split(b" ")[0]
            if verb in (b"EHLO", b"HELO"):
                await self.ehlo()
            elif verb == b"RCPT":
                answer = self.rcpt_answer()
                accepted += answer.startswith("2")
                await self.say(answer)
            elif verb == b"DATA":
                if accepted:
                    await self.data()
                else:
                    await self.say("554 5.5.1 No valid recipients")
                accepted = 0
            elif verb == b"QUIT":
                await self.say("221 2.0.0 Bye")
                return
            else:
                await self.say("250 2.1.0 Ok")


async def serve(domain, reader, writer):
    try:
        await Session(domain, reader, writer).run()
    except (ConnectionError, ValueError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    for address, domain in world.SINKS.items():
        def handler(reader, writer, domain=domain):
            return serve(domain, reader, writer)
        await asyncio.start_server(handler, address, 25, limit=1 << 22)
    await asyncio.Event().wait()


asyncio.run(main())

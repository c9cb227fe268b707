"""A content filter in the manner of amavisd: takes mail on 127.0.0.1:10024 and passes every command
to 127.0.0.1:10025 while it arrives, so it keeps XFORWARD; the answer to the data is wrapped as
amavisd words it. It offers XFORWARD because the server behind it does."""
import asyncio
import re


async def answer_of(reader):
    """One SMTP answer, possibly of several lines."""
    text = b""
    while line := await reader.readline():
        text += line
        if line[3:4] != b"-":
            break
    return text


def wrapped(answer):
    text = answer.decode("latin-1").strip()
    match = re.match(r"250 2\.0\.0 (.*)", text)
    if not match:
        return answer
    return ("250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): %s\r\n" % text).encode("latin-1")


async def relay_data(client_in, back_in, back_out):
    while True:
        line = await client_in.readline()
        back_out.write(line)
        if line in (b".\r\n", b""):
            break
    await back_out.drain()
    return wrapped(await answer_of(back_in))


async def converse(client_in, client_out, back_in, back_out):
    client_out.write(await answer_of(back_in))
    while line := await client_in.readline():
        back_out.write(line)
        answer = await answer_of(back_in)
        client_out.write(answer)
        if answer.startswith(b"354"):
            client_out.write(await relay_data(client_in, back_in, back_out))
        if line.upper().startswith(b"QUIT"):
            return


async def serve(client_in, client_out):
    back_in, back_out = await asyncio.open_connection("127.0.0.1", 10025, limit=1 << 22)
    try:
        await converse(client_in, client_out, back_in, back_out)
    except ConnectionError:
        pass
    finally:
        back_out.close()
        client_out.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 10024, limit=1 << 22)
    await server.serve_forever()


asyncio.run(main())

"""A mail server for tests: aiosmtpd behind a few commands on stdin.

Prints one JSON object per line: "listening" (port), "letter" (the whole
message), "refused". Takes one JSON object per line:
  {"do": "grey", "times": 1}            450 to the next recipients
  {"do": "code", "reply": "550 5.1.1 …", "times": 1}   that reply to the next recipients
  {"do": "silent", "times": 1}          take the letter and do not answer
Environment: TLS_CERT and TLS_KEY switch STARTTLS on; TLS_WRAP=1 means TLS from
the first byte; LOGIN=user:password asks for a login.
"""
import asyncio
import email
import json
import os
import ssl
import sys
from email import policy

from aiosmtpd.smtp import SMTP, AuthResult

plan = []


def say(event, **rest):
    print(json.dumps({"event": event, **rest}, ensure_ascii=False), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if plan and plan[0] != "silent":
            reply = plan.pop(0)
            say("refused", to=address, reply=reply)
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=policy.default)
        parts = {part.get_content_type(): part.get_content() for part in letter.walk() if not part.is_multipart()}
        say(
            "letter",
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            headers={name.lower(): str(value) for name, value in letter.items()},
            raw_subject=envelope.content.split(b"\r\n\r\n")[0].decode("ascii", "replace"),
            text=parts.get("text/plain"),
            html=parts.get("text/html"),
            tls=session.ssl is not None or bool(os.environ.get("TLS_WRAP")),
            login=bool(session.authenticated),
            hello=session.host_name,
        )
        if plan and plan[0] == "silent":
            plan.pop(0)
            await asyncio.sleep(3600)
        return "250 OK"


def authenticator(server, session, envelope, mechanism, auth_data):
    user, password = os.environ["LOGIN"].split(":")
    right = (auth_data.login, auth_data.password) == (user.encode(), password.encode())
    return AuthResult(success=right, handled=False)


async def main():
    loop = asyncio.get_running_loop()
    context = None
    if os.environ.get("TLS_CERT"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["TLS_CERT"], os.environ["TLS_KEY"])
    wrap = bool(os.environ.get("TLS_WRAP"))
    login = bool(os.environ.get("LOGIN"))

    def factory():
        return SMTP(
            Handler(),
            loop=loop,
            tls_context=None if wrap else context,
            require_starttls=context is not None and not wrap,
            authenticator=authenticator if login else None,
            auth_required=login,
            auth_require_tls=not wrap,
            enable_SMTPUTF8=True,
        )

    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context if wrap else None)
    say("listening", port=server.sockets[0].getsockname()[1])
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        reply = {"grey": "450 4.7.1 Greylisted, come back later", "silent": "silent"}.get(order["do"]) or order["reply"]
        plan.extend([reply] * order.get("times", 1))
        say("planned")


asyncio.run(main())

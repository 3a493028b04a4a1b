"""A real mail server on loopback, which keeps the mails that it takes."""

import asyncio
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kit.ports import free_port

# A client without a limit of its own is let go after this time.
_STUCK_SECONDS = 30.0
USER, PASSWORD = "goat@herd", "p@ss:word/1"


class MailBox:
    """The mails that a server took; ``refuses`` is its answer to the next addresses.

    With ``hangs`` it answers nothing after the address.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.signed_in: list[bool] = []
        self.encrypted: list[bool] = []
        self.refuses = ""
        self.hangs = False

    def keep(self, mail: EmailMessage) -> None:
        """Keep a mail before its sender hears that it was taken."""
        self.mails.append(mail)

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd names it
        self,
        server: Any,  # noqa: ANN401
        session: Any,  # noqa: ANN401
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        del server, session, options
        if self.hangs:
            await asyncio.sleep(3_600)
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as aiosmtpd names it
        self,
        server: Any,  # noqa: ANN401
        session: Any,  # noqa: ANN401
        envelope: Envelope,
    ) -> str:
        content = cast("bytes", envelope.content)
        self.keep(
            cast("EmailMessage", message_from_bytes(content, policy=policy.default))
        )
        self.signed_in.append(bool(session.authenticated))
        outer = server.transport.get_extra_info("ssl_object")
        self.encrypted.append(session.ssl is not None or outer is not None)
        return "250 Taken"


@contextmanager
def mail_server(
    box: MailBox,
    *,
    port: int | None = None,
    certificate: Path | None = None,
    security: str = "none",
    asks_for_password: bool = False,
) -> Iterator[int]:
    """Run a server, and yield its port."""

    def authenticate(*given: Any) -> AuthResult:  # noqa: ANN401 - as aiosmtpd has it
        data = given[-1]
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)

    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    given: dict[str, Any] = {}
    if security == "tls":
        given["ssl_context"] = context
    elif context is not None:
        given |= {"tls_context": context, "require_starttls": True}
    if asks_for_password:
        given |= {
            "authenticator": authenticate,
            "auth_required": True,
            "auth_require_tls": security != "tls",
        }
    controller = Controller(
        box, hostname="127.0.0.1", port=port or free_port(), **given
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def stalling_mail_server(step: str, *, drips: bool = False) -> Iterator[int]:
    """Run a server that gets stuck at a step, and yield its port.

    A step is the verb of a command, or ``greeting``, ``handshake`` or ``content``. The
    server is silent from then on. One that ``drips`` goes on with an answer that never
    ends, so that no single wait for it is long.
    """
    leaving = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def stall(connection: socket.socket) -> None:
        ends_at = time.monotonic() + _STUCK_SECONDS
        while not leaving.wait(0.02) and time.monotonic() < ends_at:
            if drips:
                connection.sendall(b"250-and so on\r\n")

    def converse(connection: socket.socket) -> None:
        answers = {
            "greeting": b"220 Hello\r\n",
            "EHLO": b"250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
            "STARTTLS": b"220 Go on\r\n",
            "AUTH": b"235 Welcome\r\n",
            "DATA": b"354 Go on\r\n",
        }
        file = connection.makefile("rb")
        verb = "greeting"
        while True:
            if verb == step:
                return stall(connection)
            connection.sendall(answers.get(verb, b"250 OK\r\n"))
            if verb == "STARTTLS" and step == "handshake":
                return stall(connection)
            if verb == "DATA":
                while (line := file.readline()) and line != b".\r\n":
                    pass
                verb = "content"
                continue
            verb = file.readline().split()[0].decode().upper()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError, IndexError):
            converse(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        leaving.set()
        listening.close()
        thread.join()


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail, with the ends of its lines as Python has them."""
    return _body(mail, "plain")


def html_of(mail: EmailMessage) -> str:
    """The HTML of a mail."""
    return _body(mail, "html")


def images_of(mail: EmailMessage) -> dict[str, bytes]:
    """The pictures inside a mail, by the names that its HTML has for them."""
    return {
        str(part["Content-ID"]).strip("<>"): cast(
            "bytes", part.get_payload(decode=True)
        )
        for part in mail.walk()
        if part.get_content_maintype() == "image"
    }


def _body(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return body.get_content().replace("\r\n", "\n")


def certificate_for_localhost(folder: Path) -> Path:
    """Return a file with a key and a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path

"""The deadline of a conversation with a mail server."""

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class MailDeadline:
    """Cuts a connection when the time of its conversation is over.

    The limit of each wait is none for the whole, because a server that says a little
    now and then never reaches it. The connection is cut in the middle of a wait, too.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._watched is not None:
                self._watched.close()
                self._watched = None

    def watch(self, connection: socket.socket) -> None:
        """Let a connection be cut at the deadline.

        Raises:
            TimeoutError: the time is over already.
        """
        with self._lock:
            if self.is_over:
                raise TimeoutError
            # The object is another one after encryption, and a duplicate stays valid.
            self._watched = connection.dup()

    def _cut(self) -> None:
        with self._lock:
            self.is_over = True
            if self._watched is not None:
                with suppress(OSError):
                    self._watched.shutdown(socket.SHUT_RDWR)


class TimedConnection(smtplib.SMTP):
    """A connection to a mail server, which is cut at a deadline.

    With ``tls`` it is encrypted from the start.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        local_hostname: str,
        timeout: float,
        deadline: MailDeadline,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._deadline = deadline
        self._tls = tls
        super().__init__(host, port, local_hostname=local_hostname, timeout=timeout)

    # The library's own encrypted class replaces this method in the same way.
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        try:
            self._deadline.watch(connection)
            if self._tls is not None:
                return self._tls.wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise
        return connection

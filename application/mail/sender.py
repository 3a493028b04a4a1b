"""The sender of mails: a loop that gives waiting mails to the server."""

import threading

import structlog

from application.mail.outbox import claim_mail, finish_mail, next_mail_due, put_off
from application.mail.server import MailNotSentError, MailRefusedError, MailServer
from infra.backoff import Backoff
from infra.eventstore.store import Store
from infra.keys.master_key import MasterKeyError
from infra.loop import rest_until, run_until_stopped

ROUND_SECONDS = 1.0

_BACKOFF = Backoff(5.0, longest=1_800.0)

_log = structlog.get_logger()


class MailSender:
    """Sends waiting mails one after the other, and tries again after failures.

    Any number may run: a mail is claimed by one of them at a time. No transaction is
    open while the server is spoken to. The log never has an address.
    """

    def __init__(
        self, store: Store, server: MailServer, *, backoff: Backoff = _BACKOFF
    ) -> None:
        self._store = store
        self._server = server
        self._backoff = backoff

    def run(self, stop: threading.Event, wake_up: threading.Event) -> None:
        """Work until ``stop`` and ``wake_up`` are set.

        Without work the sender waits for ``wake_up``, or until a mail falls due.
        """

        def step() -> float:
            while not stop.is_set() and self.send_next():
                pass
            return rest_until(next_mail_due(self._store.pool), least=ROUND_SECONDS)

        run_until_stopped(
            step, stop, failed="mail_failed", wake_up=wake_up, pool=self._store.pool
        )

    def send_next(self) -> bool:
        """Try the mail that is due first; return False if none is due."""
        pool = self._store.pool
        due = claim_mail(pool)
        if due is None:
            return False
        try:
            mail = due.opened(self._store.keyring.master_key())
            self._server.deliver(mail, mail_id=due.id)
        except MasterKeyError:
            _log.warning("mail_refused", mail=str(due.id), reason="Another key.")
        except MailRefusedError as error:
            _log.warning("mail_refused", mail=str(due.id), reason=error.reason)
        except MailNotSentError as error:
            _log.warning(
                "mail_not_sent",
                mail=str(due.id),
                reason=error.reason,
                tries=due.tries,
            )
            put_off(pool, due.id, seconds=self._backoff.seconds(due.tries))
            return True
        finish_mail(pool, due.id)
        return True


def send_until_stopped(
    store: Store, stop: threading.Event, wake_up: threading.Event
) -> None:
    """Send waiting mails as ``MailSender.run`` does; nothing without a mail server."""
    server = MailServer.of(store.settings)
    if server is not None:
        MailSender(store, server).run(stop, wake_up)

"""Forgets the earlier names and notes of an organization or of one of its things."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from application.erase.sealed_list import ErasedValues, keep
from application.erase.values import ErasedValue
from application.erase.wipe import DO_NOT_WAIT, TABLES_ARE_READ
from domain.decisions import Handler
from domain.organization.handlers.texts import (
    ForgottenTexts,
    forget_earlier_texts,
    forget_recipient,
)
from infra.eventstore.execute import Executed
from infra.eventstore.store import BusyError, Store
from infra.ids import new_id
from infra.keys.keyring import destroy
from infra.keys.master_key import MasterKey
from infra.keys.opened import opened_master_key
from projections.rebuild.swap import forget_previous

_ANSWERS = """
UPDATE idempotency SET status = 410, headers = '{}', body = ''
WHERE organization_id = %s AND status IS NOT NULL AND EXISTS (
    SELECT FROM unnest(%s::bytea[]) AS text WHERE position(text IN body) > 0)
"""
_LONG = 14


class ForgottenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The thing whose earlier texts were forgotten.

    ``forgotten`` is false if no earlier text differs from the present ones.
    """

    id: UUID
    kind: str
    forgotten: bool


class ForgettingCommand:
    """The handler and the hook that forget earlier texts, for ``execute``.

    With ``recipient`` they take this address out of a report, with its texts.
    """

    def __init__(
        self,
        store: Store,
        of: UUID,
        *,
        organization_id: UUID,
        recipient: str | None = None,
    ) -> None:
        self._store = store
        self._of = of
        self._organization_id = organization_id
        self._recipient = recipient
        self._master_key: MasterKey | None = None

    def handler(self) -> Handler[ForgottenTexts]:
        """Start a try.

        Raises:
            NotFoundError: the organization has no such thing.
        """
        with self._store.pool.connection() as connection:
            self._master_key = opened_master_key(self._store.settings, connection)
        of = self._organization_id
        if self._recipient is not None:
            return forget_recipient(self._of, self._recipient, organization_id=of)
        return forget_earlier_texts(self._of, organization_id=of)

    def in_transaction(
        self, cursor: Cursor[TupleRow], done: Executed[ForgottenTexts]
    ) -> None:
        """Destroy the key of the earlier texts, and wipe the rows that repeat them."""
        result = done.result
        assert self._master_key is not None
        assert result.subject is not None
        erased = ErasedValues(
            organization_id=self._organization_id,
            creator_ids=[self._of],
            position=done.events[-1].position,
            values={ErasedValue("earlier text", text) for text in result.texts},
        )
        keep(cursor, new_id(), erased, self._master_key)
        repeated = [f'"id":"{self._of}"'.encode(), *_as_json(result.texts)]
        cursor.execute(_ANSWERS, (self._organization_id, repeated))
        destroy(cursor, [result.subject])
        cursor.execute(DO_NOT_WAIT)
        try:
            forget_previous(cursor)
        except LockNotAvailable:
            raise BusyError(TABLES_ARE_READ) from None


def forgotten_by(done: Executed[ForgottenTexts]) -> ForgottenAnswer:
    """Return the result of the command, without any of the texts."""
    result = done.result
    return ForgottenAnswer(
        id=result.of, kind=result.kind, forgotten=result.subject is not None
    )


def _as_json(texts: Sequence[str]) -> list[bytes]:
    """Return the texts as JSON in a body; short ones only as whole values."""
    found = [msgspec.json.encode(text) for text in texts]
    return [each if len(each) < _LONG else each[1:-1] for each in found]

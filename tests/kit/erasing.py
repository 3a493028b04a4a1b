"""Erases a person, and finds the tables of any schema that have a word in a row."""

from uuid import UUID

from application.erase.erase import ErasureCommand
from domain.creator.handlers.erase import Erasure
from domain.messages import ErasedFigures
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from tests.kit.builders import asking

_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""


def erase(
    store: Store,
    creator_id: UUID,
    *,
    organization_id: UUID,
    confirm: str,
    figures: ErasedFigures = "anonymous",
) -> Executed[Erasure]:
    """Erase a creator, confirmed with its handle."""
    command = ErasureCommand(
        store,
        creator_id,
        organization_id=organization_id,
        confirm=confirm,
        figures=figures,
    )
    return execute(
        store,
        command.handler,
        context=asking(),
        in_transaction=command.in_transaction,
    )


def tables_with(store: Store, word: str) -> list[str]:
    """The tables that have a word in a row, read as text or as bytes."""
    found: list[str] = []
    with store.pool.connection() as connection:
        for (table,) in connection.execute(_TABLES).fetchall():
            row = connection.execute(
                f"SELECT count(*) FROM {table} t WHERE t::text ILIKE %s "  # noqa: S608
                "OR t::text LIKE %s".encode(),
                (f"%{word}%", f"%{word.encode().hex()}%"),
            ).fetchone()
            if row is not None and row[0]:
                found.append(table)
    return found

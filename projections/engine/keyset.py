"""Pages by key: the rows after a value and an id, without counting skipped rows."""

from typing import Any, Literal, NamedTuple
from uuid import UUID


class Keyset(NamedTuple):
    """An order by a value of some type of PostgreSQL, and then by ``id``.

    Rows without a value come last in both directions. Ids rise, or follow the
    direction. Outside of the database values are texts, so that each comes back
    exactly.
    """

    direction: Literal["asc", "desc"]
    kind: str
    ids_follow: bool = False

    def page(self, rows: str, *, after: tuple[str | None, UUID] | None) -> str:
        """Return the query of a page of ``rows``, a query of ``id`` and ``value``."""
        way = self.direction if self.ids_follow else "asc"
        behind = "<" if way == "desc" else ">"
        if after is None:
            where = ""
        elif after[0] is None:
            where = f"WHERE value IS NULL AND id {behind} %(last_id)s"
        else:
            beyond = "<" if self.direction == "desc" else ">"
            last = f"%(last_value)s::text::{self.kind}"
            where = (
                f"WHERE value {beyond} {last} OR value IS NULL "
                f"OR value = {last} AND id {behind} %(last_id)s"
            )
        return (
            f"SELECT id, value::text FROM ({rows}) AS valued {where} "
            f"ORDER BY valued.value {self.direction} NULLS LAST, id {way} "
            "LIMIT %(limit)s OFFSET %(offset)s"
        )

    def parameters(
        self, after: tuple[str | None, UUID] | None, *, limit: int | None, offset: int
    ) -> dict[str, Any]:
        value, last_id = after or (None, None)
        part = {"limit": limit, "offset": offset}
        return {"last_value": value, "last_id": last_id, **part}

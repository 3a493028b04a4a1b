"""Names in place of ids: a project by its name, a creator by the handle, and so on."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from api.cli import CommandError
from api.cli.kit.output import plain
from api.cli.operations.clients import Call
from api.in_process import RawResponse

Send = Callable[[Call], RawResponse]


class NamedKind(msgspec.Struct, frozen=True):
    """A kind of thing that has names: the operation that lists it, and its name.

    ``group`` is that of its commands, and ``called`` the word for its name.
    ``narrowed_by`` is the parameter that leaves out all others, if there is one.
    ``query`` is what lists those that are left out else.
    """

    operation_id: str
    path: str
    group: str
    field: str
    called: str
    narrowed_by: str | None = None
    query: Mapping[str, str] = {}


KINDS: Mapping[str, NamedKind] = {
    "project": NamedKind(
        *("listProjects", "/api/v1/projects", "projects", "name", "name"),
        query={"status": "all"},
    ),
    "campaign": NamedKind(
        *("listCampaigns", "/api/v1/campaigns", "campaigns", "name", "name", "search")
    ),
    "creator": NamedKind(
        *("listCreators", "/api/v1/creators", "creators", "tiktok_handle", "handle"),
        narrowed_by="tiktok_handles",
    ),
    "person": NamedKind(
        *("listMembers", "/api/v1/members", "members", "email", "email address")
    ),
}


class _NamedPage(msgspec.Struct, frozen=True):
    data: list[dict[str, Any]]
    meta: dict[str, Any] | None


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def kind_named(key: str) -> str | None:
    """Return the kind of thing whose id a field holds, if it has names."""
    kind = key.removesuffix("s").removesuffix("_id")
    return kind if key != kind and kind in KINDS else None


def help_of(kind: str) -> str:
    """Return the help of an argument that chooses one thing of a kind."""
    return f"The {kind}, by {KINDS[kind].called} or id."


def id_of(kind: str, name: str, send: Send) -> str:
    """Return the id of the thing with a name.

    Raises:
        CommandError: none or several have the name.
    """
    named = KINDS[kind]
    name_given = name.removeprefix("@") if kind == "creator" else name
    query = {"limit": "100", **named.query}
    if named.narrowed_by is not None:
        query[named.narrowed_by] = name_given
    found: list[str] = []
    while True:
        answer = send(
            Call(
                operation_id=named.operation_id,
                method="GET",
                path=named.path,
                query=query,
            )
        )
        page = msgspec.json.decode(answer.body, type=_NamedPage)
        found += [
            row["id"]
            for row in page.data
            if str(row[named.field]).casefold() == name_given.casefold()
        ]
        cursor = (page.meta or {}).get("nextCursor")
        if cursor is None:
            break
        query["cursor"] = cursor
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(
            f"Several have the name {plain(name)!r}: choose one by its id, "
            f"{', '.join(found)}."
        )
    raise CommandError(
        f"There is no {kind} {plain(name)!r}: `goatherd {named.group} list` shows all."
    )

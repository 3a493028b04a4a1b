"""Two people who edit one thing: what each changed, and what is kept of both.

A form carries the version that it was made from and a mark of each value it showed. So
it is known later which fields its writer changed and which somebody else did: where
they are not the same ones both are kept, and else the writer is asked.
"""

import asyncio
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from api.http.error_codes import Code
from api.http.errors import field_error
from api.http.strict_json import without_forbidden
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from projections.creator_history.queries import HistoryEntry
from projections.creators.queries import Creator
from projections.videos.queries import Video

# What an event of a creator's own changes; of details its data says which.
_CHANGES: dict[str, frozenset[str]] = {
    "creator_details_changed": frozenset(),
    "creator_reactivated": frozenset(
        {"tracking_mode", "tracking_start_date", "tracking_end_date"}
    ),
    "handle_changed": frozenset({"tiktok_handle"}),
    "tracking_mode_changed": frozenset({"tracking_mode"}),
    "tracking_window_changed": frozenset({"tracking_start_date", "tracking_end_date"}),
}

_TRIES = 5
# The store knows of a change before those who read do.
_READS, _READ_PAUSE_SECONDS = 20, 0.1
_MAX_VERSION_DIGITS = 18

_written = msgspec.json.Encoder(order="deterministic").encode


T = TypeVar("T", Creator, Video)


class Edit(Struct, frozen=True, kw_only=True):
    """What somebody made of a form.

    ``values`` are what its fields shall be, ``seen`` the marks of what they were when
    it was made, ``version`` the creator's of then.
    """

    values: Mapping[str, Any]
    original: Mapping[str, str]
    version: int

    @property
    def changed(self) -> dict[str, Any]:
        """Return the fields that the writer changed."""
        return {
            name: value
            for name, value in self.values.items()
            if fingerprint(value) != self.original[name]
        }


class Saved(Struct, frozen=True, kw_only=True):
    """The edit is stored, and ``others`` say what came in between."""

    creator: Creator
    is_merged: bool
    others: list[HistoryEntry]


class AppliedEdit(Struct, Generic[T], frozen=True, kw_only=True):
    """What an edit came to: it is stored, or ``fields`` are others' by now.

    ``version`` is the last that the edit was tried on.
    """

    now: T
    version: int
    fields: list[str]


class EditConflict(Struct, frozen=True, kw_only=True):
    """Somebody else gave the same fields other values; nothing was stored.

    ``by`` has what is known of who did, by the field.
    """

    creator: Creator
    fields: list[str]
    by: Mapping[str, HistoryEntry]


def editable_fields(creator: Creator) -> dict[str, Any]:
    """Return what people may change of a creator, by the name of the field."""
    return {
        "tiktok_handle": creator.tiktok_handle,
        "display_name": creator.display_name,
        "description": creator.description,
        "readme": creator.readme,
        "metadata": msgspec.json.decode(creator.metadata),
        "tracking_mode": creator.tracking_mode,
        "tracking_start_date": _iso(creator.tracking_start_date),
        "tracking_end_date": _iso(creator.tracking_end_date),
    }


def fingerprint(value: Any) -> str:  # noqa: ANN401 - whatever a field holds
    """Return what tells a value from others; a browser's copy of it is the same.

    Browsers end lines in their own way, an empty field means none, and a name that a
    source brought may hold what is left out of forms.
    """
    if isinstance(value, str):
        value = without_forbidden(value).replace("\r\n", "\n").replace("\r", "\n")
        value = value or None
    return blake2b(_written(value), digest_size=16).hexdigest()


def saved_message(done: Saved | None) -> str:
    """Return what to say of an edit that is stored; None if nothing was changed."""
    if done is None:
        return "Nothing was changed."
    if not done.is_merged:
        return "Saved."
    summaries = " ".join(entry.summary for entry in done.others)
    return (
        f"Saved, and what somebody else changed meanwhile is kept: {summaries}".strip(
            ": "
        )
    )


def parse_version(text: str) -> int:
    """Return the version that a form was made from.

    Raises:
        ApiError: ``invalid_body``, if it is none.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_VERSION_DIGITS
    if not is_number:
        raise field_error(Code.INVALID_BODY, "/version", "must be a version")
    return int(text)


async def save(page: PageContext, creator_id: UUID, edit: Edit) -> Saved | EditConflict:
    """Store what was changed of a creator, unless somebody else changed the same.

    Raises:
        RefusedError: the API refused for another reason, or with ``version_conflict``
            if what is stored cannot be read yet.
    """
    path = f"/creators/{creator_id}"
    done = await apply_edit(page, path, Creator, edit, editable_fields)
    creator = done.now
    if done.fields:
        by = _by(await _since(page, creator, edit.version))
        return EditConflict(creator=creator, fields=done.fields, by=by)
    is_merged = done.version > edit.version
    entries = await _since(page, creator, edit.version) if is_merged else []
    others = [entry for entry in entries if entry.version <= done.version]
    return Saved(creator=creator, is_merged=is_merged, others=others)


async def apply_edit(
    page: PageContext,
    path: str,
    type_: type[T],
    edit: Edit,
    read: Callable[[T], Mapping[str, Any]],
) -> AppliedEdit[T]:
    """Store what was changed of a thing, unless somebody else changed the same of it.

    ``read`` returns its fields by name.

    Raises:
        RefusedError: as ``save`` says.
    """
    mine, version = edit.changed, edit.version
    refusal: ApiRefusedError | None = None
    for _ in range(_TRIES):
        try:
            got = await page.send("PATCH", path, type_, mine, version=version)
        except ApiRefusedError as error:
            if error.code is not Code.VERSION_CONFLICT:
                raise
            refusal = error
        else:
            return AppliedEdit(now=got.data, version=version, fields=[])
        now = await _newest(page, path, type_, refusal)
        fields = read(now)
        both = [
            name
            for name, value in mine.items()
            if fingerprint(fields[name])
            not in {edit.original[name], fingerprint(value)}
        ]
        version = now.version
        if both:
            return AppliedEdit(now=now, version=version, fields=both)
    assert refusal is not None
    raise refusal


async def _newest(
    page: PageContext, path: str, type_: type[T], refusal: ApiRefusedError
) -> T:
    """Return the thing with the change that the refusal tells of."""
    for _ in range(_READS):
        got = await page.get(path, type_)
        if got.data.version >= refusal.meta["currentVersion"]:
            return got.data
        await asyncio.sleep(_READ_PAUSE_SECONDS)
    raise refusal


async def _since(
    page: PageContext, creator: Creator, version: int
) -> list[HistoryEntry]:
    """Return what was changed after a version, newest first, as far as it is known."""
    path, events = f"/creators/{creator.id}/history", ",".join(sorted(_CHANGES))
    got = await page.get(path, list[HistoryEntry], event=events, limit=50)
    return [entry for entry in got.data if entry.version > version]


def _by(entries: list[HistoryEntry]) -> dict[str, HistoryEntry]:
    found: dict[str, HistoryEntry] = {}
    for entry in entries:
        for name in _CHANGES[entry.event] or entry.data:
            found.setdefault(name, entry)
    return found


def _iso(day: Any) -> str | None:  # noqa: ANN401 - a date, if there is one
    return None if day is None else day.isoformat()

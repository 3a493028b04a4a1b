"""Edits of a form that two people change at once: merged, or shown as a conflict.

A form has the version that it was made from, and a fingerprint of each value that it
showed. They show which fields its user changed and which another person did. If these
are different fields, both edits are kept; otherwise the form is shown again.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from hashlib import blake2b
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from api.http.bodies.strict_json import without_forbidden
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from projections.creator_history.entries import HistoryEntry
from projections.creators.creator import Creator
from projections.videos.queries import Video

# The fields that an event changes; the keys of its data name changed details.
_CHANGES: dict[str, frozenset[str]] = {
    "creator_details_changed": frozenset(),
    "creator_reactivated": frozenset(
        {"tracking_mode", "tracking_start_date", "tracking_end_date"}
    ),
    "handle_changed": frozenset({"tiktok_handle"}),
    "tracking_mode_changed": frozenset({"tracking_mode"}),
    "tracking_window_changed": frozenset({"tracking_start_date", "tracking_end_date"}),
}

# The status of a page that shows a conflict.
CONFLICT_STATUS = 412

_TRIES = 5
# The log has a change before the read models do.
_READS, _READ_PAUSE_SECONDS = 20, 0.1
_MAX_VERSION_DIGITS = 18

_written = msgspec.json.Encoder(order="deterministic").encode

T = TypeVar("T", Creator, Video)


class Edit(Struct, frozen=True, kw_only=True):
    """The edit of a form: the new values of its fields.

    ``original`` has the fingerprints of the values that the form was made from, and
    ``version`` is the version of those values.
    """

    values: Mapping[str, Any]
    original: Mapping[str, str]
    version: int

    @property
    def changed(self) -> dict[str, Any]:
        """Return the fields that the user changed."""
        return {
            name: value
            for name, value in self.values.items()
            if fingerprint(value) != self.original[name]
        }


class Saved(Struct, Generic[T], frozen=True, kw_only=True):
    """The edit is stored.

    ``others`` are the changes that other people made after the form and before the
    edit. ``base_version`` is the version to which the edit was applied.
    """

    current: T
    base_version: int
    is_merged: bool
    others: list[HistoryEntry] = []


class EditConflict(Struct, Generic[T], frozen=True, kw_only=True):
    """Another person changed the same fields to other values; nothing was stored.

    ``by`` has the history entry of each field's other change, if it is known.
    """

    current: T
    fields: list[str]
    by: Mapping[str, HistoryEntry] = {}


class EditDraft(Struct, frozen=True, kw_only=True):
    """A form that edits something: the text in each field, and the errors.

    ``original`` has the fingerprints of the values from which the form was made, in
    order.
    """

    values: dict[str, str]
    original: str
    version: int
    error: ApiError | None = None
    conflict: EditConflict[Any] | None = None

    @classmethod
    def of(cls, texts: dict[str, str], fields: Mapping[str, Any], version: int) -> Self:
        """Return the form of the stored values; ``texts`` are its fields as text."""
        original = ".".join(fingerprint(fields[name]) for name in texts)
        return cls(values=texts, original=original, version=version)

    def edit(self, values: Mapping[str, Any]) -> Edit:
        """Return the edit that sets the fields to these values.

        Raises:
            ApiError: ``invalid_body``, if there is not a fingerprint for each field.
        """
        found = self.original.split(".")
        if len(found) != len(self.values):
            message = "must have a fingerprint of each field"
            raise field_error(Code.INVALID_BODY, "/original", message)
        original = dict(zip(self.values, found, strict=True))
        return Edit(values=values, original=original, version=self.version)

    def in_conflict(
        self,
        edit: Edit,
        conflict: EditConflict[Any],
        texts: Mapping[str, str],
        fields: Mapping[str, Any],
    ) -> Self:
        """Return the form with the conflict, made from the stored values.

        Fields that the user did not change show the stored values. If the form is sent
        again, the changed fields overwrite the stored ones.
        """
        values = {
            name: text if name in edit.changed else texts[name]
            for name, text in self.values.items()
        }
        draft = self.of(values, fields, conflict.current.version)
        return replace(draft, conflict=conflict)


def editable_fields(creator: Creator) -> dict[str, Any]:
    """Return the fields of a creator that people may change, by name."""
    return {
        "tiktok_handle": creator.tiktok_handle,
        "display_name": creator.display_name,
        "description": creator.description,
        "readme": creator.readme,
        "metadata": msgspec.json.decode(creator.metadata),
        "tags": creator.tags,
        "tracking_mode": creator.tracking_mode,
        "tracking_start_date": _iso(creator.tracking_start_date),
        "tracking_end_date": _iso(creator.tracking_end_date),
    }


def fingerprint(value: Any) -> str:  # noqa: ANN401 - whatever a field holds
    """Return a digest of a value, which is the same for the browser's copy of it.

    Browsers end lines in their own way, an empty field means None, and forms leave out
    control characters that a text from TikTok may have.
    """
    if isinstance(value, str):
        value = without_forbidden(value).replace("\r\n", "\n").replace("\r", "\n")
        value = value or None
    return blake2b(_written(value), digest_size=16).hexdigest()


def saved_message(done: Saved[Any] | None) -> str:
    """Return the message about a stored edit; None if nothing was changed."""
    if done is None:
        return "Nothing was changed."
    if not done.is_merged:
        return "Saved."
    summaries = " ".join(entry.summary for entry in done.others)
    return (
        f"Saved, together with what somebody else changed meanwhile: {summaries}".strip(
            ": "
        )
    )


def parse_version(text: str) -> int:
    """Return the version that a form was made from.

    Raises:
        ApiError: ``invalid_body``, if the text is no version.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_VERSION_DIGITS
    if not is_number:
        raise field_error(Code.INVALID_BODY, "/version", "must be a version")
    return int(text)


async def save_creator(
    page: PageContext, creator_id: UUID, edit: Edit
) -> Saved[Creator] | EditConflict[Creator]:
    """Store an edit of a creator, unless another person changed the same fields.

    Raises:
        ApiRefusedError: as ``save`` says.
    """
    done = await save(page, f"/creators/{creator_id}", Creator, edit, editable_fields)
    if isinstance(done, Saved) and not done.is_merged:
        return done
    entries = await _history_since(page, creator_id, edit.version)
    if isinstance(done, EditConflict):
        return replace(done, by=_by_field(entries))
    others = [entry for entry in entries if entry.version <= done.base_version]
    return replace(done, others=others)


async def save(
    page: PageContext,
    path: str,
    type_: type[T],
    edit: Edit,
    fields_of: Callable[[T], Mapping[str, Any]],
) -> Saved[T] | EditConflict[T]:
    """Store an edit, unless another person changed the same fields.

    Raises:
        ApiRefusedError: the API refused for another reason, or with
            ``version_conflict`` if the stored values cannot be read yet.
    """
    changed, version = edit.changed, edit.version
    refusal: ApiRefusedError | None = None
    for _ in range(_TRIES):
        try:
            got = await page.send("PATCH", path, type_, changed, version=version)
        except ApiRefusedError as error:
            if error.code is not Code.VERSION_CONFLICT:
                raise
            refusal = error
        else:
            return Saved(
                current=got.data,
                base_version=version,
                is_merged=version > edit.version,
            )
        current = await _newest(page, path, type_, refusal)
        fields = fields_of(current)
        both = [
            name
            for name, value in changed.items()
            if fingerprint(fields[name])
            not in {edit.original[name], fingerprint(value)}
        ]
        if both:
            return EditConflict(current=current, fields=both)
        version = current.version
    assert refusal is not None
    raise refusal


async def _newest(
    page: PageContext, path: str, type_: type[T], refusal: ApiRefusedError
) -> T:
    """Return the stored resource, with the change that caused the refusal."""
    for _ in range(_READS):
        got = await page.get(path, type_)
        if got.data.version >= refusal.meta["currentVersion"]:
            return got.data
        await asyncio.sleep(_READ_PAUSE_SECONDS)
    raise refusal


async def _history_since(
    page: PageContext, creator_id: UUID, version: int
) -> list[HistoryEntry]:
    """Return the known changes after a version, newest first."""
    path, events = f"/creators/{creator_id}/history", ",".join(sorted(_CHANGES))
    got = await page.get(path, list[HistoryEntry], event=events, limit=50)
    return [entry for entry in got.data if entry.version > version]


def _by_field(entries: list[HistoryEntry]) -> dict[str, HistoryEntry]:
    found: dict[str, HistoryEntry] = {}
    for entry in entries:
        for name in _CHANGES[entry.event] or entry.data:
            found.setdefault(name, entry)
    return found


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()

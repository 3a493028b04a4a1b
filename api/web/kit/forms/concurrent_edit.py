"""Edits of a form that two people change at once: merged, or shown as a conflict.

A form has the version that it was made from, and a fingerprint of each value that it
showed. They show which fields its user changed and which another person did. If these
are different fields, both edits are kept; otherwise the form is shown again.
"""

import asyncio
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Generic, Self
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from api.http.bodies.strict_json import without_forbidden
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.forms.fields import Fields, T
from api.web.kit.page import PageContext
from projections.creator_history.entries import HistoryEntry

# The status of a page that shows a conflict.
CONFLICT_STATUS = 412

_TRIES = 5
# The log has a change before the read models do.
_READS, _READ_PAUSE_SECONDS = 20, 0.1
_MAX_VERSION_DIGITS = 18

_written = msgspec.json.Encoder(order="deterministic").encode


class EditForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values that a form was made from, as ``EditDraft`` has them.

    ``take`` names a field to replace by its stored value.
    """

    version: str
    original: str
    take: str = ""


class Saved(Struct, Generic[T], frozen=True, kw_only=True):
    """The edit is stored: the new state, None if nothing was changed."""

    current: T | None
    message: str


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
    def of(cls, fields: Fields[T], stored: T, names: Iterable[str]) -> Self:
        """Return the form of the stored values of these fields."""
        values, texts = fields.values(stored), fields.texts(stored)
        return cls(
            values={name: texts[name] for name in names},
            original=".".join(fingerprint(values[name]) for name in names),
            version=stored.version,
        )

    @classmethod
    def sent(cls, form: EditForm, texts: Mapping[str, str] | None = None) -> Self:
        """Return the form that a person sent; its own fields are the texts by default.

        Raises:
            ApiError: ``invalid_body``, if the version is not valid.
        """
        own = form.__struct_fields__[len(EditForm.__struct_fields__) :]
        return cls(
            values=dict(texts or {name: getattr(form, name) for name in own}),
            original=form.original,
            version=_version(form.version),
        )

    @property
    def problems(self) -> Mapping[str, str]:
        return self.error.problems if self.error else {}

    @property
    def tags_problem(self) -> str:
        """Return the problem with the tags, or with one, named by its number."""
        of_one = (text for name, text in self.problems.items() if name.isdigit())
        return self.problems.get("tags") or next(of_one, "")

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprints of the values from which the form was made.

        Raises:
            ApiError: ``invalid_body``, if there is not one for each field.
        """
        found = self.original.split(".")
        if len(found) != len(self.values):
            message = "must have a fingerprint of each field"
            raise field_error(Code.INVALID_BODY, "/original", message)
        return dict(zip(self.values, found, strict=True))


def fingerprint(value: Any) -> str:  # noqa: ANN401 - whatever a field holds
    """Return a digest of a value, which is the same for the browser's copy of it.

    Browsers end lines in their own way, an empty field means None, and forms leave out
    control characters that a text from TikTok may have.
    """
    if isinstance(value, str):
        value = without_forbidden(value).replace("\r\n", "\n").replace("\r", "\n")
        value = value or None
    return blake2b(_written(value), digest_size=16).hexdigest()


async def save_edit(
    page: PageContext, fields: Fields[T], id_: UUID, draft: EditDraft
) -> Saved[T] | EditDraft:
    """Store what a form changed; return the form with its error if it was refused.

    If another person changed the same fields, the form has the conflict. Then fields
    that its user did not change show the stored values, and if the form is sent again,
    the changed fields overwrite the stored ones.
    """
    path = f"{fields.path}/{id_}"
    try:
        original = draft.fingerprints()
        changed = {
            name: value
            for name, value in fields.read(draft.values).items()
            if fingerprint(value) != original[name]
        }
        if not changed:
            return Saved(current=None, message="Nothing was changed.")
        version, clashes, current = await _store(page, path, fields, draft, changed)
    except ApiError as error:
        return replace(draft, error=error)
    entries: list[HistoryEntry] = []
    if fields.changes and (clashes or version > draft.version):
        entries = await _history_since(page, path, fields, draft.version)
    if clashes:
        conflict = EditConflict(
            current=current, fields=clashes, by=_by_field(fields, entries)
        )
        fresh = EditDraft.of(fields, current, draft.values)
        mine = {name: draft.values[name] for name in changed}
        return replace(fresh, values={**fresh.values, **mine}, conflict=conflict)
    message = "Saved."
    if fields.changes and version > draft.version:
        others = " ".join(each.summary for each in entries if each.version <= version)
        message = "Saved, together with what somebody else changed meanwhile"
        message = f"{message}: {others}" if others else message
    return Saved(current=current, message=message)


async def _store(
    page: PageContext,
    path: str,
    fields: Fields[T],
    draft: EditDraft,
    changed: Mapping[str, Any],
) -> tuple[int, list[str], T]:
    """Store changes, unless another person changed the same fields.

    Return the version that was changed, the fields that others changed, in which case
    nothing was stored, and the newest state.

    Raises:
        ApiRefusedError: the API refused for another reason, or with
            ``version_conflict`` if the stored values cannot be read yet.
    """
    original, version = draft.fingerprints(), draft.version
    refusal: ApiRefusedError | None = None
    for _ in range(_TRIES):
        try:
            got = await page.send(
                "PATCH", path, fields.resource, changed, version=version
            )
        except ApiRefusedError as error:
            if error.code is not Code.VERSION_CONFLICT:
                raise
            refusal = error
        else:
            return version, [], got.data
        current = await _newest(page, path, fields.resource, refusal)
        values = fields.values(current)
        both = [
            name
            for name, value in changed.items()
            if fingerprint(values[name]) not in {original[name], fingerprint(value)}
        ]
        if both:
            return version, both, current
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
    page: PageContext, path: str, fields: Fields[T], version: int
) -> list[HistoryEntry]:
    """Return the known changes after a version, newest first."""
    got = await page.get(
        f"{path}/history",
        list[HistoryEntry],
        event=",".join(sorted(fields.changes)),
        limit=50,
    )
    return [entry for entry in got.data if entry.version > version]


def _by_field(
    fields: Fields[Any], entries: list[HistoryEntry]
) -> dict[str, HistoryEntry]:
    found: dict[str, HistoryEntry] = {}
    for entry in entries:
        for name in fields.changes[entry.event] or entry.data:
            found.setdefault(name, entry)
    return found


def _version(text: str) -> int:
    """Return the version that a form was made from."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_VERSION_DIGITS
    if not is_number:
        raise field_error(Code.INVALID_BODY, "/version", "must be a version")
    return int(text)

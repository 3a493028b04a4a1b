"""A creator's fields in words, and two of its states side by side."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from api.routes.history import FieldChange
from api.web.kit.line_diff import DiffLine, line_diff
from projections.creators.queries import Creator

Shape = Literal["text", "long", "number", "day", "moment"]

# From here on a text is folded, and its lines are compared.
_LONG: Final = 120
_TIMES: Final = {"day": date.fromisoformat, "moment": datetime.fromisoformat}


class Field(Struct, frozen=True):
    """A field in words: its label, how it is shown, and what it says of nothing.

    ``is_small`` is true of what is kept about the record and not about the creator.
    """

    label: str
    shape: Shape = "text"
    nothing: str = "not set"
    is_small: bool = False


class Row(Struct, frozen=True, kw_only=True):
    """One field at two moments; ``lines`` where a long text differs."""

    field: Field
    before: Any
    after: Any
    differs: bool
    lines: list[DiffLine] | None = None

    @property
    def stands_out(self) -> bool:
        """Return whether the creator itself differs, not only what is kept of it."""
        return self.differs and not self.field.is_small


# Left out is what never changes (ids), and is_active, which follows from the status.
FIELDS: Final = {
    "tiktok_handle": Field("Handle"),
    "display_name": Field("Display name"),
    "status": Field("Status"),
    "disabled_reason": Field("Why it is disabled", nothing="it is not"),
    "description": Field("Description", "long"),
    "readme": Field("Notes", "long"),
    "metadata": Field("Metadata", "long"),
    "tracking_mode": Field("Tracking mode"),
    "tracking_start_date": Field("Tracked from", "day", nothing="open"),
    "tracking_end_date": Field("Tracked until", "day", nothing="open"),
    "follower_count": Field("Followers", "number", nothing="not seen yet"),
    "following_count": Field("Following", "number", nothing="not seen yet"),
    "total_likes_count": Field("Likes", "number", nothing="not seen yet"),
    "video_count": Field("Videos on TikTok", "number", nothing="not seen yet"),
    "avatar_url": Field("Picture", nothing="not seen yet"),
    "last_scraped_at": Field("Last scraped", "moment", nothing="never"),
    "created_at": Field("Added", "moment", is_small=True),
    "updated_at": Field("Last changed", "moment", is_small=True),
    "version": Field("Version", "number", is_small=True),
}


def side_by_side(before: Creator, after: Creator) -> list[Row]:
    """Return all fields of a creator at two moments."""
    old, new = _values(before), _values(after)
    return [_row(FIELDS[name], old[name], new[name]) for name in FIELDS]


def changed_fields(changes: Iterable[FieldChange]) -> list[Row]:
    """Return the fields that the API said are different."""
    told = {change.field: change for change in changes}
    return [
        _row(field, told[name].before, told[name].after)
        for name, field in FIELDS.items()
        if name in told
    ]


def _row(field: Field, before: Any, after: Any) -> Row:  # noqa: ANN401 - JSON
    old, new = _shown(field.shape, before), _shown(field.shape, after)
    return Row(
        field=field,
        before=old,
        after=new,
        differs=old != new,
        lines=_lines(old, new) if field.shape == "long" else None,
    )


def _lines(old: str | None, new: str | None) -> list[DiffLine] | None:
    is_long = max(len(old or ""), len(new or "")) > _LONG or "\n" in f"{old}{new}"
    return line_diff(old or "", new or "") if is_long and old != new else None


def _values(creator: Creator) -> Mapping[str, Any]:
    values = {name: getattr(creator, name) for name in FIELDS}
    return {**values, "metadata": msgspec.json.decode(creator.metadata)}


def _shown(shape: Shape, value: Any) -> Any:  # noqa: ANN401 - as templates take it
    if value is None:
        return None
    if isinstance(value, dict):
        written = msgspec.json.encode(value, order="sorted")
        return msgspec.json.format(written).decode() if value else None
    if isinstance(value, str) and shape in _TIMES:
        return _TIMES[shape](value)
    return value

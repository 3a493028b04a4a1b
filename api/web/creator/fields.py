"""The labels of a creator's fields, and two states of a creator compared."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from api.routes.field_changes import FieldChange
from api.web.kit.forms.line_diff import DiffLine, line_diff
from projections.creators.creator import Creator

FieldType = Literal["text", "long", "number", "day", "timestamp"]

# A longer text is folded, and compared line by line.
_LONG: Final = 120
_TIMES: Final = {"day": date.fromisoformat, "timestamp": datetime.fromisoformat}


class CreatorField(Struct, frozen=True):
    """The display of a field: its label, its type, and the text for None.

    ``is_small`` marks fields of the record, such as its version.
    """

    label: str
    type: FieldType = "text"
    nothing: str = "not set"
    is_small: bool = False


class FieldRow(Struct, frozen=True, kw_only=True):
    """A field in two states; ``lines`` if a long text differs.

    ``before_rounded`` and ``after_rounded`` mark a count that its source rounds.
    """

    field: CreatorField
    before: Any
    after: Any
    differs: bool
    before_rounded: bool = False
    after_rounded: bool = False
    lines: list[DiffLine] | None = None

    @property
    def stands_out(self) -> bool:
        """Return whether a field of the creator itself differs."""
        return self.differs and not self.field.is_small


# Ids are left out because they never change, and is_active because it follows from the
# status.
FIELDS: Final = {
    "tiktok_handle": CreatorField("Handle"),
    "display_name": CreatorField("Display name"),
    "status": CreatorField("Status"),
    "disabled_reason": CreatorField("Why it is disabled", nothing="it is not"),
    "description": CreatorField("Description", "long"),
    "readme": CreatorField("Notes", "long"),
    "metadata": CreatorField("Metadata", "long"),
    "tracking_mode": CreatorField("Tracking mode"),
    "tracking_start_date": CreatorField("Tracked from", "day", nothing="open"),
    "tracking_end_date": CreatorField("Tracked until", "day", nothing="open"),
    "follower_count": CreatorField("Followers", "number", nothing="not known yet"),
    "following_count": CreatorField("Following", "number", nothing="not known yet"),
    "total_likes_count": CreatorField("Likes", "number", nothing="not known yet"),
    "video_count": CreatorField("Videos on TikTok", "number", nothing="not known yet"),
    "avatar_url": CreatorField("Picture", nothing="not known yet"),
    "last_scraped_at": CreatorField("Last scraped", "timestamp", nothing="never"),
    "created_at": CreatorField("Added", "timestamp", is_small=True),
    "updated_at": CreatorField("Last changed", "timestamp", is_small=True),
    "version": CreatorField("Version", "number", is_small=True),
}


def side_by_side(before: Creator, after: Creator) -> list[FieldRow]:
    old, new = _values(before), _values(after)
    return [
        _row(
            FieldChange(
                field=name,
                before=old[name],
                after=new[name],
                before_rounded=name in before.rounded_counts,
                after_rounded=name in after.rounded_counts,
            )
        )
        for name in FIELDS
    ]


def changed_fields(changes: Iterable[FieldChange]) -> list[FieldRow]:
    """Return the fields that differ according to the API."""
    by_name = {change.field: change for change in changes}
    return [_row(by_name[name]) for name in FIELDS if name in by_name]


def _row(of: FieldChange) -> FieldRow:
    field = FIELDS[of.field]
    old, new = _value_shown(field.type, of.before), _value_shown(field.type, of.after)
    return FieldRow(
        field=field,
        before=old,
        after=new,
        differs=old != new or of.before_rounded != of.after_rounded,
        before_rounded=of.before_rounded,
        after_rounded=of.after_rounded,
        lines=_lines(old, new) if field.type == "long" else None,
    )


def _lines(old: str | None, new: str | None) -> list[DiffLine] | None:
    is_long = max(len(old or ""), len(new or "")) > _LONG or "\n" in f"{old}{new}"
    return line_diff(old or "", new or "") if is_long and old != new else None


def _values(creator: Creator) -> Mapping[str, Any]:
    values = {name: getattr(creator, name) for name in FIELDS}
    return {**values, "metadata": msgspec.json.decode(creator.metadata)}


def _value_shown(type_: FieldType, value: Any) -> Any:  # noqa: ANN401 - as templates take it
    if value is None:
        return None
    if isinstance(value, dict):
        written = msgspec.json.encode(value, order="sorted")
        return msgspec.json.format(written).decode() if value else None
    if isinstance(value, str) and type_ in _TIMES:
        return _TIMES[type_](value)
    return value

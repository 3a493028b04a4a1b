"""The fields of a creator, and two states of a creator compared."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from api.routes.field_changes import FieldChange
from api.web.kit.forms.fields import Fields, FieldType, FormField
from api.web.kit.forms.line_diff import DiffLine, line_diff
from projections.creators.creator import Creator

# A longer text is folded, and compared line by line.
_LONG: Final = 120
_TIMES: Final = {"day": date.fromisoformat, "timestamp": datetime.fromisoformat}
_COUNT: Final = FormField(label="", type="number", nothing="not known yet")
_MODES: Final = {
    "auto": "are included at once",
    "selective": "wait for review in the inbox",
}


class FieldRow(Struct, frozen=True, kw_only=True):
    """A field in two states; ``lines`` if a long text differs.

    ``before_rounded`` and ``after_rounded`` mark a count that its source rounds.
    """

    field: FormField
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


WINDOW: Final = ("tracking_mode", "tracking_start_date", "tracking_end_date")
# Ids are left out because they never change, and is_active because it follows from the
# status.
CREATOR: Final = Fields(
    Creator,
    "/creators",
    {
        "tiktok_handle": FormField(label="Handle"),
        "display_name": FormField(label="Display name", form_nothing="no display name"),
        "tags": FormField(label="Tags", type="tags", form_nothing="no tags"),
        "status": FormField(label="Status"),
        "disabled_reason": FormField(label="Why it is disabled", nothing="it is not"),
        "description": FormField(label="Description", type="long"),
        "readme": FormField(label="Notes", type="long"),
        "metadata": FormField(label="Metadata", type="json"),
        "tracking_mode": FormField(
            label="Tracking mode", form_label="Videos that are found", choices=_MODES
        ),
        "tracking_start_date": FormField(
            label="Tracked from",
            type="day",
            nothing="open",
            form_label="First day",
            form_nothing="no bound",
        ),
        "tracking_end_date": FormField(
            label="Tracked until",
            type="day",
            nothing="open",
            form_label="Last day",
            form_nothing="no bound",
        ),
        "follower_count": replace(_COUNT, label="Followers"),
        "following_count": replace(_COUNT, label="Following"),
        "total_likes_count": replace(_COUNT, label="Likes"),
        "video_count": replace(_COUNT, label="Videos on TikTok"),
        "avatar_url": FormField(label="Picture", nothing="not known yet"),
        "last_scraped_at": FormField(
            label="Last scraped", type="timestamp", nothing="never"
        ),
        "created_at": FormField(label="Added", type="timestamp", is_small=True),
        "updated_at": FormField(label="Last changed", type="timestamp", is_small=True),
        "version": FormField(label="Version", type="number", is_small=True),
    },
    changes={
        "creator_details_changed": frozenset(),
        "creator_reactivated": frozenset(WINDOW),
        "handle_changed": frozenset({"tiktok_handle"}),
        "tracking_mode_changed": frozenset({"tracking_mode"}),
        "tracking_window_changed": frozenset(WINDOW[1:]),
    },
)


def side_by_side(before: Creator, after: Creator) -> list[FieldRow]:
    old, new = CREATOR.values(before), CREATOR.values(after)
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
        for name in CREATOR.by_name
    ]


def changed_fields(changes: Iterable[FieldChange]) -> list[FieldRow]:
    """Return the fields that differ according to the API."""
    by_name = {change.field: change for change in changes}
    return [_row(by_name[name]) for name in CREATOR.by_name if name in by_name]


def _row(of: FieldChange) -> FieldRow:
    field = CREATOR[of.field]
    old, new = _value_shown(field.type, of.before), _value_shown(field.type, of.after)
    return FieldRow(
        field=field,
        before=old,
        after=new,
        differs=old != new or of.before_rounded != of.after_rounded,
        before_rounded=of.before_rounded,
        after_rounded=of.after_rounded,
        lines=_lines(old, new) if field.type in {"long", "json"} else None,
    )


def _lines(old: str | None, new: str | None) -> list[DiffLine] | None:
    is_long = max(len(old or ""), len(new or "")) > _LONG or "\n" in f"{old}{new}"
    return line_diff(old or "", new or "") if is_long and old != new else None


def _value_shown(type_: FieldType, value: Any) -> Any:  # noqa: ANN401 - as templates take it
    if value is None:
        return None
    if isinstance(value, dict):
        written = msgspec.json.encode(value, order="sorted")
        return msgspec.json.format(written).decode() if value else None
    if type_ == "tags":
        return ", ".join(value) or None
    if isinstance(value, str) and type_ in _TIMES:
        return _TIMES[type_](value)
    return value

"""CsvColumns of CSV files: the field of an observation that each one has, or none."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from domain.letter_case import folded
from domain.scrape.observations import ProfileObservation, VideoObservation
from domain.video.attributes import Sound
from workers.sources.recordings import csv_cells as cells
from workers.sources.recordings.csv_cells import Cells

FieldPlace = Literal["line", "profile", "video", "sound"]


class CellField(msgspec.Struct, frozen=True):
    """A field of an observation, and the way to read it from a cell."""

    place: FieldPlace
    name: str
    read: Callable[[str, Cells], Any]


_READ: dict[str, Callable[[str, Cells], Any]] = {
    "tiktok_video_id": cells.video_id,
    "posted_at": cells.moment_of_posting,
    "duration_s": cells.count,
    "hashtags": cells.texts,
    "mentions": cells.texts,
}


def _fields(place: FieldPlace, names: Sequence[str]) -> dict[str, CellField]:
    found: dict[str, CellField] = {}
    for name in names:
        read = cells.text
        if name.endswith("_count"):
            read = cells.count
        elif name.startswith("is_") or name == "original":
            read = cells.flag
        key = f"sound_{name}" if place == "sound" else name
        found[key] = CellField(place, name, _READ.get(name, read))
    return found


_OWN: dict[str, CellField] = {
    "observed_at": CellField("line", "observed_at", cells.moment_of_observation),
    "handle": CellField("line", "handle", cells.handle),
    "present_handle": CellField("line", "present_handle", cells.handle),
    "outcome": CellField("line", "outcome", cells.text),
    "in_log_order": CellField("line", "in_log_order", cells.flag),
    **_fields("profile", ProfileObservation.__struct_fields__),
    **_fields(
        "video",
        [name for name in VideoObservation.__struct_fields__ if name != "sound"],
    ),
    **_fields("sound", Sound.__struct_fields__),
}
# Shorter names, as people say them.
_SHORT = {
    "date": "observed_at",
    "creator": "handle",
    "video": "tiktok_video_id",
    "posted": "posted_at",
    "views": "view_count",
    "likes": "like_count",
    "comments": "comment_count",
    "shares": "share_count",
    "saves": "save_count",
    "followers": "follower_count",
    "following": "following_count",
    "total_likes": "total_likes_count",
    "videos": "video_count",
    "name": "display_name",
    "duration": "duration_s",
}
FIELDS: Mapping[str, CellField] = {
    **{short: _OWN[name] for short, name in _SHORT.items()},
    **_OWN,
}
"""The fields that ``--map`` can name."""


class KnownFile(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file that is known: the headings that tell it, and its columns.

    ``columns`` has the field of each heading. ``left_out`` has headings that are not
    imported, with the reason. Headings are in lower case.
    """

    title: str
    headings: frozenset[str]
    columns: Mapping[str, str]
    left_out: Mapping[str, str] = {}
    has_escaped_text: bool = False


_GAIN = "daily gains: Goatherd keeps levels, and computes gains from them"
_EXPORT_LEVELS = (
    "In TikTok Studio, export Content.csv for the numbers of videos, and "
    "FollowerHistory.csv for the followers of each day."
)
_OF_RUNS = "of the run, which the import makes anew"
_COLUMNS_OF_RUNS = (
    *("observation", "provider", "project_id", "creator_id", "scrape_id"),
    *("position", "recorded_at"),
)

_GAINS = (
    *("video views", "profile views", "likes", "comments", "shares"),
    *("unique viewers", "net followers"),
)

KNOWN_FILES = (
    KnownFile(
        title="an export of Goatherd",
        headings=frozenset({"observed_at", "handle", "observation"}),
        columns={name: name for name in _OWN},
        left_out=dict.fromkeys(_COLUMNS_OF_RUNS, _OF_RUNS),
        has_escaped_text=True,
    ),
    KnownFile(
        title="Content.csv of TikTok Studio",
        headings=frozenset({"video link", "post time", "total views"}),
        columns={
            "time": "date",
            "video title": "title",
            "video link": "video",
            "post time": "posted",
            "total likes": "likes",
            "total comments": "comments",
            "total shares": "shares",
            "total views": "views",
        },
    ),
    KnownFile(
        title="Overview.csv of TikTok Studio",
        headings=frozenset({"date", "video views", "profile views"}),
        columns={"date": "date", "followers": "followers"},
        left_out=dict.fromkeys(_GAINS, _GAIN),
    ),
    KnownFile(
        title="FollowerHistory.csv of TikTok Studio",
        headings=frozenset(
            {"date", "followers", "difference in followers from previous day"}
        ),
        columns={"date": "date", "followers": "followers"},
        left_out={"difference in followers from previous day": _GAIN},
    ),
    KnownFile(
        title="a data set of Apify's TikTok scrapers",
        headings=frozenset({"id", "webvideourl", "playcount"}),
        columns={
            "id": "video",
            "text": "title",
            "createtimeiso": "posted",
            "playcount": "views",
            "diggcount": "likes",
            "commentcount": "comments",
            "sharecount": "shares",
            "collectcount": "saves",
            "ispinned": "is_pinned",
            "authormeta.name": "handle",
            "authormeta.id": "user_id",
            "authormeta.nickname": "name",
            "authormeta.fans": "followers",
            "authormeta.following": "following",
            "authormeta.heart": "total_likes",
            "authormeta.video": "videos",
        },
    ),
    KnownFile(
        title="posts of EnsembleData or ScrapeCreators",
        headings=frozenset({"aweme_id", "statistics.play_count"}),
        columns={
            "aweme_id": "video",
            "desc": "title",
            "create_time": "posted",
            "author.unique_id": "handle",
            "statistics.play_count": "views",
            "statistics.digg_count": "likes",
            "statistics.comment_count": "comments",
            "statistics.share_count": "shares",
            "statistics.collect_count": "saves",
        },
    ),
)


class ColumnsError(Exception):
    """The columns of a file cannot be imported; the message names the column.

    ``option`` is the option that is at fault or would help, without dashes.
    ``headings`` are those of the file, if they were read.
    """

    def __init__(self, message: str, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option
        self.headings: Sequence[str] = ()


class CsvColumn(msgspec.Struct, frozen=True):
    """A column that is read: its place in a row, its heading, and its field."""

    index: int
    heading: str
    field: CellField


class CsvColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a file, and the reason for each heading that is left out."""

    read: list[CsvColumn]
    left_out: dict[str, str]
    title: str | None = None
    has_escaped_text: bool = False


def columns_of(
    headings: Sequence[str],
    chosen: Mapping[str, str] | None,
    *,
    has_creator: bool,
    has_time: bool,
) -> CsvColumns:
    """Return the columns of a file with these headings.

    ``chosen`` has the heading of each field, and is None for a kind of file that is
    known by its headings. ``has_creator`` and ``has_time`` say that the options name
    the creator and the time of all rows.

    Raises:
        ColumnsError: a column is missing, or has numbers that cannot be imported.
    """
    places: dict[str, int] = {}
    for index, heading in enumerate(headings):
        places.setdefault(_key(heading), index)
    found = _known(headings, places) if chosen is None else _chosen(headings, chosen)
    if has_time:
        read = [one for one in found.read if one.field.name != "observed_at"]
        found = msgspec.structs.replace(found, read=read)
    names = {column.field.name for column in found.read}
    _refuse_what_is_no_level(found)
    if not has_time and "observed_at" not in names:
        message = (
            "No column has the time of the observations: map date to one, or say with "
            "--observed-at when the file was made."
        )
        raise ColumnsError(message, option="observed_at")
    if not has_creator and not {"handle", "tiktok_video_id"} & names:
        message = "No column has the creator: name the creator with --creator HANDLE."
        raise ColumnsError(message, option="creator")
    return found


def mapping_in(text: str) -> dict[str, str]:
    """Return the heading of each field, from a text like ``date=Day,views="Views"``.

    Raises:
        ColumnsError: the text has another form, or names an unknown field.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            message = f"--map: '{text[at:]}' is not of the form FIELD=HEADING."
            raise ColumnsError(message, option="map")
        name, quoted, bare = part.groups()
        if name not in FIELDS:
            message = (
                f"--map: there is no field {name}. The fields are {', '.join(FIELDS)}."
            )
            raise ColumnsError(message, option="map")
        found[name] = bare if quoted is None else quoted.replace('""', '"')
        at = part.end()
    return found


_PART = re.compile(r'\s*(\w+)=(?:"((?:[^"]|"")*)"|([^,"]*))\s*(?:,|$)')


def _key(heading: str) -> str:
    return " ".join(folded(heading).replace("/", ".").split())


def _chosen(headings: Sequence[str], chosen: Mapping[str, str]) -> CsvColumns:
    places = {_key(heading): index for index, heading in enumerate(headings)}
    read: list[CsvColumn] = []
    for name, heading in chosen.items():
        index = places.get(_key(heading))
        if index is None:
            message = (
                f"--map: {name} is to be in the column {heading!r}, and the file has "
                f"only {_listed(headings)}."
            )
            raise ColumnsError(message, option="map")
        read.append(CsvColumn(index, headings[index], FIELDS[name]))
    return CsvColumns(read=read, left_out={})


def _known(headings: Sequence[str], places: Mapping[str, int]) -> CsvColumns:
    for known in KNOWN_FILES:
        if known.headings <= places.keys():
            break
    else:
        message = (
            f"The headings {_listed(headings)} are not those of a file that is known. "
            "Say with --map which column has what, such as --map "
            'date=Day,video=Link,views="Total views".'
        )
        raise ColumnsError(message, option="map")
    return CsvColumns(
        read=[
            CsvColumn(index, headings[index], FIELDS[known.columns[key]])
            for key, index in places.items()
            if key in known.columns
        ],
        left_out={
            headings[index]: known.left_out.get(key, "not a field of an observation")
            for key, index in places.items()
            if key not in known.columns
        },
        title=known.title,
        has_escaped_text=known.has_escaped_text,
    )


def _refuse_what_is_no_level(found: CsvColumns) -> None:
    places = {column.field.place for column in found.read}
    if "video" in places and not _names_videos(found):
        column = next(one for one in found.read if one.field.place == "video")
        message = (
            f"{column.heading}: this number belongs to a video, and no column names "
            "the video: map video to the column with its id or address. Views, likes, "
            "comments and shares of a whole account by day are gains, and Goatherd "
            "keeps levels of videos and profiles, so these are not imported. "
            f"{_EXPORT_LEVELS}"
        )
        raise ColumnsError(message)
    named = [column.field.name for column in found.read]
    if not places & {"video", "profile"} and "outcome" not in named:
        reasons = {
            reason: [name for name, why in found.left_out.items() if why == reason]
            for reason in found.left_out.values()
        }
        said = "; ".join(
            f"{_listed(names)}: {reason}" for reason, names in reasons.items()
        )
        place = "" if found.title is None else f" in {found.title}"
        message = f"There is nothing to import{place}. {said}."
        if _GAIN in reasons:
            message += f" {_EXPORT_LEVELS}"
        raise ColumnsError(message)


def _names_videos(found: CsvColumns) -> bool:
    return any(column.field.name == "tiktok_video_id" for column in found.read)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)

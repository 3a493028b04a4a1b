"""The answers of the old version, and the differences that the new ones may have.

The tables below are the whole of what an upgrade may change for those who ask.
"""

import gzip
import re
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from domain.analytics.baselines import MEANINGS
from domain.video.attributes import ATTRIBUTES

FOLDER = Path(__file__).parent / "from_46ccd1a"
DATABASE = FOLDER / "database.sql.gz"
ANSWERS = FOLDER / "answers.jsonl.gz"
ABOUT = FOLDER / "about.json"

# Public names that were changed since: old name to new one, by a pattern for the
# beginning of the questions whose answers hold them ("" is every question).
RENAMED_FIELDS: dict[str, dict[str, str]] = {
    "/api/v1/admin/projections": {
        "facts_per_second": "events_per_second",
        "error_fact": "error_event",
        "cancel_asked": "cancel_requested",
        "binding": "strict",
        "position_beside": "shadow_position",
        "rows_beside": "shadow_rows",
    },
    "projections ": {
        "facts": "events",
        "error_fact": "error_event",
        "is_cancel_asked": "is_cancel_requested",
        "is_binding": "is_strict",
        "position_beside": "shadow_position",
        "rows_beside": "shadow_rows",
    },
    "/api/v1/analytics/explain": {"part": "term"},
    # The events of a history keep the names that they are stored under.
    "/api/v1/(scrapes|creators/[^/]+/scrapes)": {
        "profile_seen": "profile_observed",
        "videos_seen": "videos_observed",
    },
    "/api/v1/analytics/schema": {
        "posted_before_first_look": "posted_before_first_snapshot",
    },
}
_MARKS = frozenset({"rounded", "sharpened", "cut"})
# Which sources a run asked, and whether all videos were listed.
_SOURCES = frozenset({"listed", "listed_reason", "tried"})
# Fields and columns that this version has added, by the beginning of the questions.
ADDED_FIELDS: dict[str, frozenset[str]] = {
    # Videos are named by their title, too, and other sources' counts are shown.
    "/api/v1/analytics/explain": frozenset({"title", "others", "other_posted_at"}),
    # The version of the rules.
    "/api/v1/analytics/schema": frozenset({"rules"}),
    # Marks of rounded numbers and of cut buckets, and the compared days.
    "export analytics": _MARKS,
    # A mark of rounded profiles that came after an exact one of the same time, and the
    # fields that only JSON lines had.
    "export observations": frozenset(
        {"in_log_order", "present_handle", "thumbnail_url", "recorded_at"}
        | {*(f"sound_{part}" for part in ("id", "title", "author", "original"))}
        | {"language", *ATTRIBUTES}
    ),
    "/api/v1/analytics": _MARKS
    | {
        *("total_rounded", "total_sharpened", "precision"),
        *("compare_from", "compare_to", "membership"),
    },
    # The marks of a list's figures, and of a milestone.
    "/api/v1/creators": _MARKS
    | {
        *("level_rounded", "new_rounded", "new_sharpened", "tags"),
        # Which counts are rounded, of a creator and of a changed field.
        *("rounded_counts", "before_rounded", "after_rounded"),
        # Fields of events about videos.
        "platform",
        *_SOURCES,
    },
    "/api/v1/scrapes": _SOURCES,
    "creators list": frozenset({"rounded_counts", "project_name", "last_posted_at"}),
    "projects list": frozenset({"org_name", "archived_at"}),
    # Keys belong to the organization or to a person.
    "/api/v1/api-keys": frozenset({"owner"}),
    "keys list": frozenset({"org_name", "owner", "owner_name"}),
    # Creators and videos have tags.
    # Videos have a sound, hashtags and others of their kind.
    "/api/v1/videos": frozenset({"tags", "other_posted_at", *ATTRIBUTES}),
    # Projects have the words, the colour and the logo of their reports.
    "/api/v1/projects": frozenset(
        {"tags", "client", "comment", "color", "logo", "archived_at", *ATTRIBUTES}
    ),
    # The organization may be an operator, and has limits of campaigns and items, and an
    # age at which removed creators are erased.
    "/api/v1/organization": frozenset(
        {
            "erase_removed_after_days",
            "requires_second_factor",
            *("is_operator", "campaigns_per_project", "items_per_campaign"),
            *("max_campaigns_per_project", "max_campaign_items_per_campaign"),
            *("views", "max_views_per_org", "members", "max_members_per_org"),
        }
    ),
}
# Values that this version has added to lists, by the lists' fields.
ADDED_VALUES: dict[str, dict[str, frozenset[str]]] = {
    # Campaigns have numbers, and creators are parts of those of a project.
    "/api/v1/analytics/schema": {
        "entities": frozenset({"campaign"}),
        "breakdown": frozenset({"creator"}),
    },
}
_RENAMED_TABLES = {
    "analytics_looks": "analytics_snapshots",
    "analytics_herds": "analytics_owner_states",
    "analytics_unowned": "analytics_unattributed",
    "analytics_lists": "analytics_video_lists",
    "analytics_video_sums": "analytics_video_rollups",
    "analytics_profile_sums": "analytics_profile_rollups",
}
# The rule for baselines and what it means, in plain words.
_RENAMED_RULES = {
    "posted_before_first_look": "posted_before_first_snapshot",
    "A video's first snapshot is a baseline if the video was posted before its "
    "creator was first looked at, if it has no creator, or if nobody knows when it "
    "was posted.": MEANINGS["posted_before_first_snapshot"],
    "A video's first snapshot is always a baseline: nothing that was there at the "
    "first look at it is new.": MEANINGS["first_snapshot"],
}
# Words that stand as values.
RENAMED_VALUES: dict[str, dict[str, str]] = {
    "/api/v1/creators/": dict.fromkeys(
        (
            f"the {name} policy"
            for name in ("discovery", "auto-disable", "tracking-window")
        ),
        "Goatherd",
    ),
    "/api/v1/admin/projections": _RENAMED_TABLES,
    "projections ": _RENAMED_TABLES | _RENAMED_RULES,
    "/api/v1/analytics/schema": _RENAMED_RULES,
    # A milestone says that the number that passed it is rounded.
    "/api/v1/creators": {
        "Passed 50,000 followers, with 53,214 seen.": (
            "Passed 50,000 followers, with 53,214 seen (rounded)."
        ),
    },
}
# Sentences of histories: a pattern for an old part, and the new one.
REWORDED: dict[str, str] = {
    r"by the (discovery|auto-disable|tracking-window) policy\.$": "by Goatherd.",
    r"after scrapes that ended as not_found": "because no such account was found",
    r"after scrapes that ended as private": "because the account is private",
    r"(Video \d+) discovered as auto_tracked": r"\1 found and included",
    r"(Video \d+) discovered as pending_review": r"\1 found and put into the inbox",
    r"(Video \d+) discovered as out_of_window": (
        r"\1 found outside the tracking window"
    ),
    r"(Video \d+ came into the tracking window) as auto_tracked": r"\1 and is included",
    r"(Video \d+) excluded": r"\1 removed",
    r"Tracking of video (\d+) disabled": r"Video \1 excluded",
    r"(Added as @\S+|Brought back), tracked in mode auto (\w+ [^,]+)": (
        r"\1, tracked \2, with new videos included at once"
    ),
    r"(Added as @\S+|Brought back), tracked in mode selective (\w+ [^,]+)": (
        r"\1, tracked \2, with new videos reviewed first"
    ),
    r"(Added as @\S+|Brought back), tracked in mode auto": (
        r"\1, with new videos included at once"
    ),
    r"(Added as @\S+|Brought back), tracked in mode selective": (
        r"\1, with new videos reviewed first"
    ),
    r"Tracking mode changed from auto to selective": (
        "New videos changed from included at once to reviewed first"
    ),
    r"Tracking mode changed from selective to auto": (
        "New videos changed from reviewed first to included at once"
    ),
}
# Parts of paths, of queries and of commands, which are replaced as text.
RENAMED_QUESTIONS: dict[str, str] = {}
# Projections, old name to new one.
RENAMED_PROJECTIONS: dict[str, str] = {}
# Projections (by their new names) with a raised version: they are built anew.
# Analytics 4: a rounded number that becomes exact is not growth. creator_list 4: how
# the scrapes of a creator failed, which of its counts are rounded, and what a search
# looks in. creator_history 2: the campaigns that a creator joined and left. videos 2:
# each count is the newest known one.
RAISED_PROJECTIONS: frozenset[str] = frozenset(
    {"analytics", "creator_history", "creator_list", "videos"}
)
# Projections with a raised version whose tables a migration brought along.
MIGRATED_PROJECTIONS: dict[str, int] = {
    # Organizations may run the installation, and keys belong to people.
    "api_keys": 4,
}

# Projections that this version has added.
ADDED_PROJECTIONS: frozenset[str] = frozenset(
    {
        *("activity", "alert_touches", "alerts", "annotations", "audit", "campaigns"),
        "channels",
        "connection_endings",
        *("feed", "list_turns", "people", "report_touches", "reports"),
        *("shares", "views"),
        "webhooks",
    }
)

# Numbers that are others on purpose, by a part of their questions. Recorded profiles
# are called rounded or exact by turns; what only confirms an exact number, or becomes
# exact, is no growth any more.
CHANGED_NUMBERS: dict[str, frozenset[str]] = {
    "/creators/figures": frozenset({"followers"}),
    **dict.fromkeys(
        ("metric=followers", "metric=total_likes", "--metric followers"),
        frozenset({"value", "total"}),
    ),
    # Some counts of saves are negative, and so are unknown.
    **dict.fromkeys(("/videos", "/inbox"), frozenset({"save_count"})),
    **dict.fromkeys(
        ("metric=saves", "--metric saves"), frozenset({"value", "total", "baseline"})
    ),
    # So a video with a negative one has another place.
    "sort=save_count": frozenset({"data"}),
}

_ABOUT_PROJECTIONS = ("projections ", "/api/v1/admin/projections")

# Fields left out of answers before they are compared, by the beginning of questions.
VOLATILE: dict[str, frozenset[str]] = {
    # Fields of the one request, sealed with a secret, noted or counted by the test.
    "": frozenset({"requestId", "nextCursor", "last_used_at"}),
    # Until there were annotations the list was always empty.
    "/api/v1/analytics": frozenset({"annotations"}),
    # A description, which is reworded at times.
    "/api/v1/analytics/schema": frozenset({"meaning"}),
    # Counts of the present day.
    "/api/v1/organization": frozenset({"api_requests_today", "manual_scrapes_today"}),
    "/api/v1/scrapes/counts": frozenset(
        {"failed_last_day", "quarantined_last_day", "oldest_due_seconds"}
    ),
    # Told since, of what was before as well.
    "/api/v1/creators": frozenset(
        {
            *("last_outcome", "failing_since", "failed_scrapes", "failing_kinds"),
            *("connected_at", "duplicate_of"),
            *("last_posted_at", "posts_per_week"),
        }
    ),
    # The last 30 days until now; what is known at their end stays as it is.
    "/api/v1/creators/figures": frozenset(
        {"from", "to", "new", "levels", "new_by_day"}
    ),
    # Seconds until now.
    **dict.fromkeys(
        _ABOUT_PROJECTIONS,
        frozenset({"lag_seconds", "heartbeat_seconds"})
        | ({"version"} if RAISED_PROJECTIONS else set()),
    ),
}
# The newest rebuild of a projection; not compared once there was a newer one.
REBUILD = "rebuild"
# Videos of one snapshot stand in the order in which the database had them.
UNORDERED = "observations"


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question to the old version, and its answer.

    ``question`` is a path with its query, asked with the key named ``key``, or a
    command line of ``goatherd`` if there is no key.
    """

    question: str
    key: str | None = None
    status: int = 0
    etag: str | None = None
    answer: Any


class Repeatable(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was sent with an Idempotency-Key, and its answer."""

    path: str
    json: Any
    idempotency_key: str
    status: int
    answer: Any


class About(msgspec.Struct, frozen=True, kw_only=True):
    """More facts about the dumped database.

    ``checkpoints`` are the positions of its projections when it was dumped, and
    ``waiting_scrape`` is a run that no worker had begun.
    """

    secret: str
    keys: dict[str, str]
    sign_in_path: str
    repeatable: Repeatable
    checkpoints: dict[str, int]
    head: int
    dry_run: str
    rolled_back: str
    waiting_scrape: str


def about() -> About:
    return msgspec.json.decode(ABOUT.read_bytes(), type=About)


def recorded_answers() -> list[Answer]:
    decoder = msgspec.json.Decoder(Answer)
    return decoder.decode_lines(gzip.decompress(ANSWERS.read_bytes()))


def question_now(question: str) -> str:
    """Return the question in the words of this version."""
    for old, new in RENAMED_QUESTIONS.items():
        question = question.replace(old, new)
    return question


def answer_now(recorded: Answer) -> object:
    """Return the recorded answer in the words of this version."""
    fields = _for(recorded.question, RENAMED_FIELDS)
    values = _for(recorded.question, RENAMED_VALUES)
    if "/diff?" in recorded.question:
        return _renamed(_without_empty_metadata(recorded.answer), fields, values)
    if not recorded.question.startswith(_ABOUT_PROJECTIONS):
        return _renamed(recorded.answer, fields, values)
    named = _renamed(recorded.answer, fields, values | RENAMED_PROJECTIONS)
    # They come by their names.
    states = named if isinstance(named, list) else named["data"]
    states.sort(key=itemgetter("name"))
    for state in states:
        state["version"] = MIGRATED_PROJECTIONS.get(state["name"], state["version"])
    return named


def projection_now(name: str) -> str:
    """Return the name in this version of a projection of the old one."""
    return RENAMED_PROJECTIONS.get(name, name)


def _without_empty_metadata(answer: Any) -> Any:  # noqa: ANN401
    """Return a diff in which metadata that stayed empty are no change."""
    data = answer["data"]
    if data is None or data["was_there"]:
        return answer
    empty = {"field": "metadata", "before": None, "after": {}}
    changes = [change for change in data["changes"] if change != empty]
    return {**answer, "data": {**data, "changes": changes}}


def etag_now(recorded: str | None, etag: str | None) -> str | None:
    """Return this version's ETag as the old one wrote it: without scraped figures."""
    figures = re.fullmatch(r'W/("\d+)-[0-9a-f]+"', etag or "")
    return etag if figures is None or recorded is None else f'{figures[1]}"'


def without_added(question: str, answer: object) -> object:
    """Return this version's answer without fields that the old one lacked."""
    if question.startswith(_ABOUT_PROJECTIONS):
        answer = _without_added_projections(answer)
    if question.startswith("/api/v1/analytics") and isinstance(answer, dict):
        # The basis of an answer, which refusals do not have.
        found: dict[str, Any] = answer
        answer = found if found["data"] is None else {**found, "meta": None}
    added = {
        name
        for beginning, names in ADDED_FIELDS.items()
        if question.startswith(beginning)
        for name in names
    }
    for beginning, values in ADDED_VALUES.items():
        if question.startswith(beginning):
            answer = _without_values(answer, values)
    return _comparable(_without_columns(answer, added), added, set())


def _without_values(answer: Any, added: dict[str, frozenset[str]]) -> Any:  # noqa: ANN401
    """Return the answer without values that were added to lists in these fields."""
    match answer:
        case dict():
            return {
                name: [one for one in value if one not in added[name]]
                if name in added
                else _without_values(value, added)
                for name, value in answer.items()
            }
        case list():
            return [_without_values(value, added) for value in answer]
        case _:
            return answer


def _without_added_projections(answer: Any) -> Any:  # noqa: ANN401
    if isinstance(answer, dict):
        # A refusal has no states.
        data: Any = answer["data"]
        return (
            answer
            if data is None
            else {
                **answer,
                "data": _without_added_projections(data),
            }
        )
    return [state for state in answer if state["name"] not in ADDED_PROJECTIONS]


def comparable(question: str, answer: object, *, is_rebuilt: bool) -> object:
    """Return the answer to an old question without what may differ at every asking.

    ``is_rebuilt`` says that read models were rebuilt since the database was upgraded.
    """
    names = _for(question, RENAMED_FIELDS)
    dropped = {
        either
        for beginning, volatile in VOLATILE.items()
        if question.startswith(beginning)
        for name in volatile
        for either in (name, names.get(name, name))
    }
    # An upgrade rebuilds those whose version was raised.
    is_rebuilt = is_rebuilt or bool(RAISED_PROJECTIONS)
    if is_rebuilt and question.startswith(_ABOUT_PROJECTIONS):
        dropped |= {REBUILD, names.get(REBUILD, REBUILD)}
    unordered = {UNORDERED, names.get(UNORDERED, UNORDERED)}
    for part, numbers in CHANGED_NUMBERS.items():
        if part in question:
            dropped |= numbers
            answer = _without_columns(answer, numbers)
    return _comparable(answer, dropped, unordered)


def _without_columns(answer: Any, names: AbstractSet[str]) -> Any:  # noqa: ANN401
    """Return a table without the columns of these names, anything else as it is."""
    match answer:
        case [[*header], *_] if names & {*map(str, header)}:
            kept = [at for at, name in enumerate(header) if name not in names]
            return [[row[at] for at in kept] for row in answer]
        case _:
            return answer


def _comparable(answer: Any, dropped: set[str], unordered: set[str]) -> Any:  # noqa: ANN401
    match answer:
        case dict():
            return {
                name: _in_order(inner) if name in unordered else inner
                for name, value in answer.items()
                if name not in dropped
                # Names within metadata are people's own.
                for inner in [
                    value
                    if name == "metadata"
                    else _comparable(value, dropped, unordered)
                ]
            }
        case list():
            return [_comparable(value, dropped, unordered) for value in answer]
        case _:
            return answer


def _in_order(observations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    together = groupby(observations, key=itemgetter("position"))
    encode = msgspec.json.Encoder(order="deterministic").encode
    return [one for _, some in together for one in sorted(some, key=encode)]


def parsed(text: str) -> object:
    """Return JSON, JSON Lines or a table as values; other text as it is."""
    for read in (_json, _json_lines, _table):
        if (found := read(text)) is not None:
            return found
    return text


def _json(text: str) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


def _json_lines(text: str) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.Decoder().decode_lines(text)
    except msgspec.DecodeError:
        return None


def _table(text: str) -> list[list[str]] | None:
    if not re.match(r"\w+(,\w+)+\r?\n", text):
        return None
    return [line.split(",") for line in text.splitlines()]


def _for(question: str, tables: dict[str, dict[str, str]]) -> dict[str, str]:
    return {
        old: new
        for beginning, names in tables.items()
        if re.match(beginning, question)
        for old, new in names.items()
    }


def _reworded(sentence: str) -> str:
    for old, new in REWORDED.items():
        sentence = re.sub(old, new, sentence)
    return sentence


def _renamed(value: Any, fields: dict[str, str], values: dict[str, str]) -> Any:  # noqa: ANN401
    match value:
        case dict():
            return {
                fields.get(name, name): _renamed(inner, fields, values)
                for name, inner in value.items()
            }
        case [[*header], *rows] if rows and all(isinstance(h, str) for h in header):
            named = [fields.get(name, name) for name in header]
            return [named, *(_renamed(row, fields, values) for row in rows)]
        case list():
            return [_renamed(inner, fields, values) for inner in value]
        case str():
            return values.get(value) or _reworded(value)
        case _:
            return value

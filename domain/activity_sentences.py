"""Activity in one plain sentence for people, whatever happened."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from domain.activity import ActivityKind
from domain.analytics.summaries.outliers import take_off_in_words
from domain.campaign.sentences import target_in_words
from domain.messages import JobType
from domain.summaries import SCRAPED, WHY_DISABLED

_LONGEST_TITLE = 80


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """The names that a sentence needs.

    ``handle`` is the creator's present one, ``by`` the person or process behind it.
    """

    subject_type: str
    name: str | None
    handle: str | None
    project: str | None
    from_project: str | None
    by: str

    @property
    def creator(self) -> str:
        return "A creator" if self.handle is None else _at(self.handle)

    @property
    def video(self) -> str:
        """The video with its creator: a title is cut if it is long."""
        title = "A video" if not self.name else f'"{_cut(self.name)}"'
        return title if self.handle is None else f"{title} of {_at(self.handle)}"

    @property
    def subject(self) -> str:
        match self.subject_type:
            case "creator":
                return self.creator
            case "video":
                return self.video
            case "organization":
                return "the organization"
            case _:
                return _cut(self.name or f"a {self.subject_type}")

    @property
    def by_somebody(self) -> str:
        return f" by {self.by}" if self.by else ""


def activity_sentence(kind: ActivityKind, data: Mapping[str, Any], named: Named) -> str:
    """Return the sentence of a row with this ``data``."""
    return _SENTENCES[kind](data, named) + "."


def _posted(_: Mapping[str, Any], named: Named) -> str:
    if not named.name:
        return f"{named.creator} posted a video"
    return f'{named.creator} posted "{_cut(named.name)}"'


def _milestone(data: Mapping[str, Any], named: Named) -> str:
    metric = data["metric"]
    of = named.video if metric == "views" else named.creator
    count = f"{data['count']:,}"
    return f"{of} passed {data['milestone']:,} {metric}, with {count} seen"


def _renamed(data: Mapping[str, Any], named: Named) -> str:
    return f"{_at(data['old'])} was renamed to {_at(data['new'])}{named.by_somebody}"


def _added(data: Mapping[str, Any], named: Named) -> str:
    subject = named.video if named.subject_type == "video" else named.creator
    how = "brought back" if data.get("is_back") else "added"
    return f"{subject} was {how}{named.by_somebody}"


def _moved(_: Mapping[str, Any], named: Named) -> str:
    old, new = named.from_project or "another project", named.project or "a project"
    return f"{named.creator} moved from {old} to {new}{named.by_somebody}"


def _removed(_: Mapping[str, Any], named: Named) -> str:
    return f"{named.creator} was removed{named.by_somebody}"


def _stopped(data: Mapping[str, Any], named: Named) -> str:
    days = data["usual_days"]
    usual = "less than a day" if days < 1 else f"{days:.0f} day{'s'[: days >= 1.5]}"
    last = msgspec.convert(data["last_posted_at"], datetime)
    return (
        f"{named.creator} stopped posting: the last post was on "
        f"{last.day} {last:%b %Y}, and {usual} is usual between posts"
    )


def _failing(data: Mapping[str, Any], named: Named) -> str:
    outcome = data.get("outcome")
    why = WHY_DISABLED[outcome] if outcome else "no answer came"
    if data.get("is_disabled"):
        return f"{named.creator} was disabled, because {why}"
    return f"Scrapes of {named.creator} began to fail ({_scraped(data)}): {why}"


def _recovered(data: Mapping[str, Any], named: Named) -> str:
    return f"Scrapes of {named.creator} work again: {_scraped(data)}"


def _reviewed(data: Mapping[str, Any], named: Named) -> str:
    decided = {
        "included": "was included",
        "excluded": "was removed",
        "put_back": "was put back into the inbox",
        "stopped": "was excluded",
    }
    return f"{named.video} {decided[data['decision']]}{named.by_somebody}"


def _note(data: Mapping[str, Any], named: Named) -> str:
    text = data.get("text") or "a text that is gone"
    return f'Note about {named.subject}: "{text}"'


def _erased(data: Mapping[str, Any], named: Named) -> str:
    numbers = "stay without a name" if data["figures"] == "anonymous" else "are gone"
    return (
        f"A person was erased{named.by_somebody}: they are called "
        f"erased-{data['number']} now, and their figures {numbers}"
    )


def _took_off(data: Mapping[str, Any], named: Named) -> str:
    factor = data["outlier_factor"]
    views = take_off_in_words(data["views"], age_days=data["age_days"], factor=factor)
    return f"{named.video} took off: {views}"


def _target(verb: str) -> Callable[[Mapping[str, Any], Named], str]:
    def said(data: Mapping[str, Any], named: Named) -> str:
        outcome = target_in_words(
            *(data["metric"], data["target"], data["target_scope"]),
            reached=data["reached"],
        )
        return f"{named.subject} {verb} its target: {outcome}"

    return said


_SENTENCES: Final[Mapping[ActivityKind, Callable[[Mapping[str, Any], Named], str]]] = {
    "posted": _posted,
    "took_off": _took_off,
    "milestone": _milestone,
    "renamed": _renamed,
    "added": _added,
    "moved": _moved,
    "removed": _removed,
    "stopped_posting": _stopped,
    "failing": _failing,
    "recovered": _recovered,
    "campaign_started": lambda _, named: f"{named.subject} started",
    "campaign_target_reached": _target("reached"),
    "campaign_target_missed": _target("missed"),
    "note": _note,
    "reviewed": _reviewed,
    "erased": _erased,
}


def _at(handle: str) -> str:
    return handle if handle.startswith("erased-") else f"@{handle}"


def _cut(title: str) -> str:
    text = " ".join(title.split())
    return text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1]}…"


def _scraped(data: Mapping[str, Any]) -> str:
    job_type: JobType = data["job_type"]
    return SCRAPED[job_type]

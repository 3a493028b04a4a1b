"""The handler that forgets the earlier names and notes of a tenant's own things."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count, takewhile
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from domain import events as e
from domain.alert.rules import TEXTS as RULE_TEXTS
from domain.alert.rules import rule_of
from domain.campaign import decider as campaigns
from domain.campaign.decider import campaign_of
from domain.channel.decider import TEXTS as CHANNEL_TEXTS
from domain.channel.decider import channel_of
from domain.decisions import Decision, Handler, Histories, on
from domain.email import same_email
from domain.errors import NotFoundError
from domain.messages import Event
from domain.organization.decider import PROJECT_TEXTS, organization_of
from domain.report.decider import TEXTS as REPORT_TEXTS
from domain.report.decider import report_of, taken_out
from domain.share.decider import TEXTS as SHARE_TEXTS
from domain.share.decider import share_of
from domain.subjects import owner_of_texts, personal_fields, subject_of_texts
from domain.view.decider import TEXTS as VIEW_TEXTS
from domain.view.decider import view_of

# The parameters of a view's query that hold words of people.
_TYPED = ("search", "tag", "hashtag")
# The fields of a report's events that hold addresses.
_ADDRESSES = ("recipients", "unsubscribed", "address")
# A message says the same of other organizations' things as of things that never were.
_KINDS = "campaign, project, API key, view, shared link, alert rule, report or channel"


class ForgottenTexts(msgspec.Struct, frozen=True, kw_only=True):
    """The texts that the thing ``of`` had before its present ones.

    ``subject`` is the subject whose key must be destroyed, None if there were no such
    texts. ``texts`` are the earlier ones.
    """

    of: UUID
    kind: e.TextsKind
    subject: UUID | None = None
    texts: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"ForgottenTexts({self.kind} {self.of})"


class _Texts(msgspec.Struct, frozen=True):
    """The kind of a thing, the stream of its texts, and the texts that stay."""

    kind: e.TextsKind
    stream: UUID
    kept: dict[str, Any]


def forget_earlier_texts(of: UUID, *, organization_id: UUID) -> Handler[ForgottenTexts]:
    """Forget the earlier texts of an organization or of one of its things.

    The present texts stay, but not those of a deleted campaign, view, alert rule,
    report or channel, or of a revoked key or shared link.
    Without earlier texts, nothing is appended.

    Raises:
        NotFoundError: the organization has no such thing.
    """
    histories = yield (organization_id, of)
    texts = _texts(of, organization_id, histories)
    events = [
        event
        for event in histories[texts.stream]
        if owner_of_texts(texts.stream, event) == of
    ]
    times = sum(isinstance(event, e.EarlierTextsForgotten) for event in events)
    earlier = [*_earlier(events, texts.kept)]
    if not earlier:
        return Decision(ForgottenTexts(of=of, kind=texts.kind))
    subject = subject_of_texts(texts.kind, of, times)
    forgotten = e.EarlierTextsForgotten(
        organization_id=organization_id,
        kind=texts.kind,
        of=of,
        subject=subject,
        texts=texts.kept,
    )
    return Decision(
        ForgottenTexts(of=of, kind=texts.kind, subject=subject, texts=earlier),
        events=on(texts.stream, [forgotten]),
    )


def forget_recipient(
    report_id: UUID, address: str, *, organization_id: UUID
) -> Handler[ForgottenTexts]:
    """Take an address out of a report, and forget each text that had it.

    The other recipients stay, and so do the others who have unsubscribed. Nothing is
    appended if the address is in no text of the report that can still be read.

    Raises:
        NotFoundError: the organization has no such report.
    """
    histories = yield (report_id,)
    history = histories[report_id]
    report = report_of(history)
    if report is None or report.organization_id != organization_id:
        raise NotFoundError("report")
    result = ForgottenTexts(of=report_id, kind="report")
    if same_email(address) not in map(same_email, addresses_of_report(history)):
        return Decision(result)
    left = taken_out(report, address)
    kept = {} if report.is_removed else _stated(left, REPORT_TEXTS)
    times = sum(isinstance(event, e.EarlierTextsForgotten) for event in history)
    subject = subject_of_texts("report", report_id, times)
    # It follows the other event, so that the key of the texts that stay seals it.
    changed = e.ReportChanged(
        organization_id=organization_id, recipients=left.recipients
    )
    is_changed = not report.is_removed and left.recipients != report.recipients
    forgotten = e.EarlierTextsForgotten(
        organization_id=organization_id,
        kind="report",
        of=report_id,
        subject=subject,
        texts=kept,
    )
    texts = [*_earlier(history, kept)]
    return Decision(
        msgspec.structs.replace(result, subject=subject, texts=texts),
        events=on(report_id, [forgotten, *[changed] * is_changed]),
    )


def addresses_of_report(history: Sequence[Event]) -> Iterator[str]:
    """Yield the addresses in all texts of a report that can still be read."""
    for event in history:
        for name, value in _texts_in(event).items():
            if name in _ADDRESSES:
                yield from _strings(value)


def repeat_forgetting(
    of: UUID, *, organization_id: UUID, destroyed: Collection[UUID]
) -> Handler[ForgottenTexts]:
    """Record forgotten texts that a restored log still has, without their keys.

    The keys of these texts are ``destroyed`` already. No text since the last forgetting
    can be read, so none stays.

    Raises:
        NotFoundError: the organization has no such thing.
    """
    histories = yield (organization_id, of)
    texts = _texts(of, organization_id, histories)
    times = sum(
        isinstance(event, e.EarlierTextsForgotten) and event.of == of
        for event in histories[texts.stream]
    )
    subjects = takewhile(
        destroyed.__contains__,
        (subject_of_texts(texts.kind, of, time) for time in count(times)),
    )
    events = [
        e.EarlierTextsForgotten(
            organization_id=organization_id, kind=texts.kind, of=of, subject=subject
        )
        for subject in subjects
    ]
    return Decision(
        ForgottenTexts(
            of=of, kind=texts.kind, subject=events[-1].subject if events else None
        ),
        events=on(texts.stream, events),
    )


def _texts(of: UUID, organization_id: UUID, histories: Histories) -> _Texts:
    organization = organization_of(histories[organization_id])
    if organization is None:
        raise NotFoundError("organization")
    if of == organization_id:
        return _Texts("organization", of, {"name": organization.name})
    if (project := organization.projects.get(of)) is not None:
        kept = _stated(project, PROJECT_TEXTS)
        return _Texts("project", organization_id, kept)
    if (key := organization.keys.get(of)) is not None:
        kept = {} if key.revoked else {"name": key.name}
        return _Texts("api_key", organization_id, kept)
    if (view := view_of(histories[of])) is not None:
        if view.organization_id != organization_id:
            raise NotFoundError(_KINDS)
        kept = {} if view.is_deleted else _stated(view, VIEW_TEXTS)
        return _Texts("view", of, kept)
    if (share := share_of(histories[of])) is not None:
        if share.organization_id != organization_id:
            raise NotFoundError(_KINDS)
        kept = {} if share.is_revoked else _stated(share, SHARE_TEXTS)
        return _Texts("share", of, kept)
    if (rule := rule_of(histories[of])) is not None:
        if rule.organization_id != organization_id:
            raise NotFoundError(_KINDS)
        kept = {} if rule.is_removed else _stated(rule, RULE_TEXTS)
        return _Texts("alert_rule", of, kept)
    if (report := report_of(histories[of])) is not None:
        if report.organization_id != organization_id:
            raise NotFoundError(_KINDS)
        kept = {} if report.is_removed else _stated(report, REPORT_TEXTS)
        return _Texts("report", of, kept)
    if (channel := channel_of(histories[of])) is not None:
        if channel.organization_id != organization_id:
            raise NotFoundError(_KINDS)
        kept = {} if channel.is_removed else _stated(channel, CHANNEL_TEXTS)
        return _Texts("channel", of, kept)
    campaign = campaign_of(histories[of])
    if campaign is None or campaign.organization_id != organization_id:
        raise NotFoundError(_KINDS)
    kept = {} if campaign.is_deleted else _stated(campaign, campaigns.TEXTS)
    return _Texts("campaign", of, kept)


def _stated(state: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: text for name in names if (text := getattr(state, name))}


def _earlier(events: Sequence[Event], kept: dict[str, Any]) -> Iterator[str]:
    """Yield the texts that can still be read and differ from the present ones."""
    present = {text for name in kept for text in _words(name, kept[name])}
    for event in events:
        for name, value in _texts_in(event).items():
            for text in _words(name, value):
                # A text that reads as "erased" was forgotten before.
                if text not in present and text != "erased":
                    yield text


def _texts_in(event: Event) -> Mapping[str, object]:
    if isinstance(event, e.EarlierTextsForgotten):
        return event.texts
    return {name: getattr(event, name) for name in personal_fields(type(event))}


def _words(name: str, value: object) -> Iterator[str]:
    """Yield the texts in a field; of a view's query those that people typed."""
    if name == "query" and isinstance(value, str):
        yield from (word for typed, word in parse_qsl(value) if typed in _TYPED)
    elif name != "columns":
        yield from _strings(value)


def _strings(value: object) -> Iterator[str]:
    """Yield all texts in a JSON value, and the names of its members."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in cast("Mapping[str, object]", value).items():
            yield name
            yield from _strings(each)
    elif isinstance(value, list | tuple):
        for each in cast("Sequence[object]", value):
            yield from _strings(each)

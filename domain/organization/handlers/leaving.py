"""The handler that removes a member, and settles the things that they leave."""

from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain import commands as c
from domain.alert.handlers import change_rule
from domain.alert.rules import rule_of
from domain.channel.decider import channel_of
from domain.channel.handlers import change_channel
from domain.decisions import (
    Decision,
    Handler,
    Histories,
    History,
    QuotaCounter,
)
from domain.errors import NotFoundError
from domain.organization.decider import OrganizationState, organization_of
from domain.organization.errors import InvalidHandoverError
from domain.organization.handlers.organizations import change_organization
from domain.organization.left_things import CHOICES, ThingChoice, ThingKind
from domain.organization.plans import Limits
from domain.person.decider import person_of
from domain.report.decider import report_of
from domain.report.errors import InvalidReportError
from domain.report.handlers import change_report
from domain.share.decider import share_of
from domain.share.handlers import change_share
from domain.view.decider import view_of
from domain.view.handlers import change_view

_CHOSEN: Final[Mapping[ThingChoice, str]] = {
    "hand_over": "must be a link, a view, a rule or a report of the person",
    "end": "must be a link, a view, a rule or an email channel of the person",
    "take_out": "must be a report that mails to the person",
}


class ThingsKnown(Struct, frozen=True, kw_only=True):
    """The things of a person, as far as the events of their streams do not tell.

    ``made`` are the links and rules that they made, and ``channels`` the email channels
    to an address of theirs, which ``is_address`` knows.
    """

    made: Collection[UUID] = ()
    channels: Collection[UUID] = ()
    is_address: Callable[[str], bool] = lambda _: False


class _Leaver(Struct, frozen=True, kw_only=True):
    """A person who is removed, their organization, and the present time."""

    id: UUID
    organization_id: UUID
    organization: OrganizationState
    known: ThingsKnown
    at: datetime

    def kind_of(self, thing_id: UUID, history: History) -> ThingKind | None:
        """Return the kind of a thing, None if it is not theirs or has ended."""
        known, here = self.known, self.organization_id
        is_theirs = self.organization.is_of(
            thing_id, self.id, made=thing_id in known.made
        )
        if (share := share_of(history)) is not None:
            has = is_theirs and share.organization_id == here
            return "link" if has and not share.is_over(self.at) else None
        if (rule := rule_of(history)) is not None:
            has = is_theirs and rule.organization_id == here and not rule.is_removed
            return "rule" if has and rule.built_in is None else None
        if (view := view_of(history)) is not None:
            has = view.owner_id == self.id and view.organization_id == here
            is_there = not (view.is_private or view.is_deleted)
            return "view" if has and is_there else None
        if (report := report_of(history)) is not None:
            has = any(map(known.is_address, report.recipients))
            is_there = report.organization_id == here and not report.is_removed
            return "report" if has and is_there else None
        channel = channel_of(history)
        has = channel is not None and channel.organization_id == here
        return "channel" if has and thing_id in known.channels else None


def remove_member(
    organization_id: UUID,
    command: c.RemoveMember,
    *,
    settled: c.SettleThings,
    known: ThingsKnown,
    at: datetime,
    plans: Mapping[str, Limits],
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Remove a member, and hand over, end or change things of theirs, as one.

    All other things of theirs stay as they are, but their keys end.

    Raises:
        NotFoundError: there is no such organization or member.
        InvalidHandoverError: a thing is not theirs, or can't be treated like that.
        StaleVersionError: the member has another version.
        LastOwnerError: nobody would own the organization any more.
        OwnersOnlyError: an admin or a key wants to remove an owner.
        RightsLostError: the one who asks is no owner or admin any more.
    """
    histories = yield (organization_id, *settled.ids)
    organization = organization_of(histories[organization_id])
    if organization is None:
        raise NotFoundError("organization")
    leaver = _Leaver(
        id=command.person_id,
        organization_id=organization_id,
        organization=organization,
        known=known,
        at=at,
    )
    kinds = _checked(settled, leaver, histories)
    removed = yield from change_organization(
        organization_id,
        *_handed_over(settled, kinds, leaver),
        command,
        plans=plans,
        expected_versions=expected_versions,
    )
    decisions: list[Decision[UUID]] = []
    for choice, place, thing_id in _places(settled):
        handler = _settled(leaver, choice, thing_id, kinds[thing_id], to=settled.to)
        if handler is not None:
            with _about_place(choice, place):
                decisions.append((yield from handler))
    return _together([*decisions, removed])


def _places(settled: c.SettleThings) -> Iterator[tuple[ThingChoice, int, UUID]]:
    """Return each thing with its choice, and its place among those with that choice."""
    of: tuple[tuple[ThingChoice, Sequence[UUID]], ...] = (
        ("hand_over", settled.hand_over),
        ("end", settled.end),
        ("take_out", settled.take_out),
    )
    for choice, ids in of:
        for place, thing_id in enumerate(ids):
            yield choice, place, thing_id


def _checked(
    settled: c.SettleThings, leaver: _Leaver, histories: Histories
) -> dict[UUID, ThingKind]:
    """Return the kinds of the things, by their ids.

    Raises:
        InvalidHandoverError: a thing is not theirs, can't be treated like that, or is
            named twice, or the member who gets things is missing or one too many.
    """
    kinds: dict[UUID, ThingKind] = {}
    for choice, place, thing_id in _places(settled):
        field = f"{choice}/{place}"
        if thing_id in kinds:
            raise InvalidHandoverError("must be named only once", field=field)
        kind = leaver.kind_of(thing_id, histories[thing_id])
        if kind is None or choice not in CHOICES[kind]:
            raise InvalidHandoverError(_CHOSEN[choice], field=field)
        kinds[thing_id] = kind
    if settled.hand_over and settled.to is None:
        raise InvalidHandoverError("is required with hand_over", field="to")
    if settled.to is not None and not settled.hand_over:
        raise InvalidHandoverError("must be left out without hand_over", field="to")
    return kinds


def _handed_over(
    settled: c.SettleThings, kinds: Mapping[UUID, ThingKind], leaver: _Leaver
) -> list[c.HandOverThings]:
    if settled.to is None:
        return []

    def of(kind: ThingKind) -> tuple[UUID, ...]:
        return tuple(one for one in settled.hand_over if kinds[one] == kind)

    return [
        c.HandOverThings(
            person_id=leaver.id,
            to_person_id=settled.to,
            share_ids=of("link"),
            view_ids=of("view"),
            rule_ids=of("rule"),
            report_ids=of("report"),
        )
    ]


def _settled(
    leaver: _Leaver,
    choice: ThingChoice,
    thing_id: UUID,
    kind: ThingKind,
    *,
    to: UUID | None,
) -> Handler[UUID] | None:
    """Return the handler of what becomes of a thing, None without an event of its own.

    Links and rules that are handed over have none.
    """
    of = leaver.organization_id
    match kind, choice:
        case "link", "end":
            return change_share(thing_id, c.RevokeShare(), organization_id=of)
        case "rule", "end":
            return change_rule(thing_id, c.RemoveAlertRule(), organization_id=of)
        case "view", "end":
            delete = c.DeleteView(by=leaver.id)
            return change_view(thing_id, delete, organization_id=of)
        case "channel", _:
            return change_channel(thing_id, c.RemoveChannel(), organization_id=of)
        case "view", _ if to is not None:
            handed = c.HandOverView(owner_id=to)
            return change_view(thing_id, handed, organization_id=of)
        case "report", _:
            return _mailed_to(thing_id, to if choice == "hand_over" else None, leaver)
        case _:
            return None


def _mailed_to(report_id: UUID, to: UUID | None, leaver: _Leaver) -> Handler[UUID]:
    """Let a report mail to another person in place of the leaver, or to nobody.

    Raises:
        InvalidReportError: the other person has unsubscribed.
    """
    histories = yield (report_id, *([] if to is None else [to]))
    report = report_of(histories[report_id])
    person = None if to is None else person_of(histories[to])
    recipients = () if report is None else report.recipients
    kept = [one for one in recipients if not leaver.known.is_address(one)]
    added = [] if person is None else [person.email]
    command = c.ChangeReport(at=leaver.at, recipients=(*kept, *added))
    changed = yield from change_report(
        report_id, command, organization_id=leaver.organization_id
    )
    # An erasure of the person at this moment takes the address out again.
    return replace(changed, guards=[] if to is None else [to])


@contextmanager
def _about_place(choice: ThingChoice, place: int) -> Generator[None]:
    """Let the refusal of a report name the place of its id."""
    try:
        yield
    except InvalidReportError as error:
        reason = error.reason
        raise InvalidHandoverError(reason, field=f"{choice}/{place}") from None


def _together(decisions: Sequence[Decision[UUID]]) -> Decision[UUID]:
    """Return decisions as one, with the result of the last; a counter changes once."""
    changes: dict[UUID, int] = {}
    for decision in decisions:
        for counter in decision.quota_counters:
            changes[counter.key] = changes.get(counter.key, 0) + counter.delta
    return Decision(
        decisions[-1].result,
        events=[event for one in decisions for event in one.events],
        guards=[*{guard for one in decisions for guard in one.guards}],
        quota_counters=[
            QuotaCounter(key=key, delta=delta) for key, delta in changes.items()
        ],
    )

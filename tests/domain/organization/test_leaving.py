"""A member is removed together with choices for the things that they leave."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.decisions import Decision
from domain.email import same_email
from domain.organization.errors import InvalidHandoverError, LastOwnerError
from domain.organization.handlers.leaving import ThingsKnown, remove_member
from domain.organization.plans import DEFAULT_PLANS
from domain.report.contents import SECTIONS
from domain.streams import alert_rules_counter, views_counter
from tests.kit.builders import NOON, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

ADA, BEN, CLEO, DORA = (UUID(int=number) for number in range(0xA1, 0xA5))
LINK, OTHER_LINK, VIEW, RULE, REPORT, CHANNEL, KEY = (
    UUID(int=number) for number in range(0xB1, 0xB8)
)
OF: dict[str, Any] = {"organization_id": ORGANIZATION}
MADE_LINK = e.ShareMade(**OF, project_id=PROJECT, scope="project", scope_id=PROJECT)
MADE_RULE = e.AlertRuleMade(
    **OF,
    name="Fell",
    scope=e.AlertScope(type="org"),
    condition=e.Condition(type="creator_disabled"),
    for_minutes=0,
    cool_down_minutes=0,
    channels=(),
    enabled=True,
)
MADE_REPORT = e.ReportMade(
    **OF,
    scope=e.ReportScope(type="org"),
    name="Monday",
    period="weekly",
    hour=9,
    recipients=("cleo@example.com", "Ben@example.com"),
    sections=SECTIONS,
    scheduled_from=NOON,
)
SAVED = e.ViewSaved(**OF, list="creators", name="Best", owner_id=BEN)
KEY_MADE = e.ApiKeyCreated(
    key_id=KEY,
    name="Ben's",
    digest="d",
    hint="h",
    scopes=("read",),
    expires_at=None,
    person_id=BEN,
)
REMOVED = (ORGANIZATION, e.MemberRemoved(person_id=BEN))
KEY_ENDED = (ORGANIZATION, e.ApiKeyRevoked(key_id=KEY))
ORGANIZED: tuple[e.Event, ...] = (
    e.OrganizationCreated(name="Herd", plan="unlimited", time_zone="UTC"),
    e.ProjectCreated(project_id=PROJECT, name="Spring"),
    e.MemberAdded(person_id=ADA, role="owner", money=True),
    e.MemberAdded(person_id=BEN, role="member"),
    e.MemberAdded(person_id=CLEO, role="viewer"),
    e.MemberAdded(person_id=DORA, role="member", project_ids=(PROJECT,)),
    KEY_MADE,
)
THINGS: dict[UUID, Sequence[e.Event]] = {
    LINK: [MADE_LINK],
    OTHER_LINK: [MADE_LINK],
    VIEW: [SAVED],
    RULE: [MADE_RULE],
    REPORT: [MADE_REPORT],
    CHANNEL: [e.ChannelAdded(**OF, kind="email", name="Team", shown="b...")],
    ADA: [e.PersonRegistered(name="Ada", email="ada@example.com")],
}
KNOWN = ThingsKnown(
    made={LINK, RULE},
    channels={CHANNEL},
    is_address=lambda address: same_email(address) == "ben@example.com",
)


def removal(
    *later: e.Event,
    things: dict[UUID, Sequence[e.Event]] | None = None,
    person_id: UUID = BEN,
    **chosen: Any,  # noqa: ANN401
) -> Decision[UUID]:
    """The decision of a removal, with the events that the organization has besides."""
    given = {ORGANIZATION: [*ORGANIZED, *later], **THINGS, **(things or {})}
    handler = remove_member(
        ORGANIZATION,
        c.RemoveMember(person_id=person_id, by=ADA),
        settled=c.SettleThings(**chosen),
        known=KNOWN,
        at=NOON,
        plans=DEFAULT_PLANS,
    )
    return decide_on(given, handler)


def refusal(*later: e.Event, **chosen: Any) -> tuple[str | None, str]:  # noqa: ANN401
    """The field and the reason of a refused removal."""
    with pytest.raises(InvalidHandoverError) as refused:
        removal(*later, **chosen)
    return refused.value.field, refused.value.reason


def test_a_removal_without_choices_ends_the_keys_alone():
    assert [*removal().events] == [REMOVED, KEY_ENDED]


def test_things_are_handed_over_and_stay():
    handed = removal(to=ADA, hand_over=(LINK, VIEW, RULE, REPORT))

    mailed = ("cleo@example.com", "ada@example.com")
    assert [*handed.events] == [
        (VIEW, e.ViewChanged(**OF, owner_id=ADA)),
        (REPORT, e.ReportChanged(**OF, recipients=mailed)),
        (
            ORGANIZATION,
            e.ThingsHandedOver(
                person_id=BEN,
                to_person_id=ADA,
                share_ids=(LINK,),
                view_ids=(VIEW,),
                rule_ids=(RULE,),
                report_ids=(REPORT,),
            ),
        ),
        REMOVED,
        KEY_ENDED,
    ]
    assert [*handed.guards] == [ADA]


def test_things_end_together_with_the_membership():
    ended = removal(end=(LINK, VIEW, RULE, CHANNEL), take_out=(REPORT,))

    assert [*ended.events] == [
        (LINK, e.ShareRevoked(**OF)),
        (VIEW, e.ViewDeleted(**OF)),
        (RULE, e.AlertRuleRemoved(**OF)),
        (CHANNEL, e.ChannelRemoved(**OF)),
        (REPORT, e.ReportChanged(**OF, recipients=("cleo@example.com",))),
        REMOVED,
        KEY_ENDED,
    ]
    counted = {each.key: each.delta for each in ended.quota_counters}
    assert counted[views_counter(ORGANIZATION)] == -1
    assert counted[alert_rules_counter(ORGANIZATION)] == -1


def test_a_counter_changes_once_for_several_things():
    both = removal(
        things={OTHER_LINK: [SAVED]},
        end=(VIEW, OTHER_LINK),
    )

    assert [(one.key, one.delta) for one in both.quota_counters] == [
        (views_counter(ORGANIZATION), -2)
    ]


def test_links_and_rules_are_of_the_one_who_got_them_last():
    handed = e.ThingsHandedOver(
        person_id=CLEO, to_person_id=BEN, share_ids=(OTHER_LINK,)
    )
    away = e.ThingsHandedOver(person_id=BEN, to_person_id=ADA, share_ids=(LINK,))

    assert (OTHER_LINK, e.ShareRevoked(**OF)) in removal(
        handed, end=(OTHER_LINK,)
    ).events
    assert refusal(away, end=(LINK,))[0] == "end/0"


@pytest.mark.parametrize(
    ("thing_id", "history"),
    (
        pytest.param(OTHER_LINK, [MADE_LINK], id="a link of somebody else"),
        pytest.param(LINK, [MADE_LINK, e.ShareRevoked(**OF)], id="a revoked link"),
        pytest.param(
            LINK,
            [
                e.ShareMade(
                    organization_id=CLEO,
                    project_id=PROJECT,
                    scope="project",
                    scope_id=PROJECT,
                )
            ],
            id="a link of another organization",
        ),
        pytest.param(
            VIEW,
            [
                e.ViewSaved(
                    **OF, list="creators", name="Mine", owner_id=BEN, is_private=True
                )
            ],
            id="a view for the person alone",
        ),
        pytest.param(
            VIEW,
            [e.ViewSaved(**OF, list="creators", name="x", owner_id=ADA)],
            id="a view of another owner",
        ),
        pytest.param(RULE, [MADE_RULE, e.AlertRuleRemoved(**OF)], id="a removed rule"),
        pytest.param(REPORT, [MADE_REPORT], id="a report, which does not end"),
        pytest.param(UUID(int=1), [], id="an unknown id"),
    ),
)
def test_a_thing_that_is_not_theirs_refuses_the_removal(
    thing_id: UUID, history: Sequence[e.Event]
):
    field, reason = refusal(things={thing_id: history}, end=(CHANNEL, thing_id))

    assert field == "end/1"
    assert reason.startswith("must be a link, a view, a rule or an email channel")


def test_choices_that_contradict_each_other_are_refused():
    assert refusal(end=(LINK,), hand_over=(LINK,), to=ADA) == (
        "end/0",
        "must be named only once",
    )
    assert refusal(take_out=(LINK,))[0] == "take_out/0"
    assert refusal(hand_over=(CHANNEL,), to=ADA)[0] == "hand_over/0"
    assert refusal(hand_over=(LINK,)) == ("to", "is required with hand_over")
    assert refusal(to=ADA) == ("to", "must be left out without hand_over")


def test_only_a_member_who_may_write_everywhere_gets_things():
    for to, reason in (
        (BEN, "must be another member"),
        (UUID(int=1), "must be another member"),
        (CLEO, "must not be a viewer"),
        (DORA, "must see all projects"),
    ):
        assert refusal(to=to, hand_over=(LINK,)) == ("to", reason)


def test_a_report_is_not_handed_over_to_somebody_who_unsubscribed():
    unsubscribed = e.RecipientUnsubscribed(**OF, address="ada@example.com")

    field, reason = refusal(
        things={REPORT: [MADE_REPORT, unsubscribed]}, to=ADA, hand_over=(REPORT,)
    )

    assert (field, "unsubscribed" in reason) == ("hand_over/0", True)


def test_the_last_owner_stays():
    with pytest.raises(LastOwnerError):
        removal(person_id=ADA)

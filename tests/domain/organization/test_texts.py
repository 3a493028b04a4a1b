"""Forgetting earlier texts: restated texts, the destroyed key, and refusals."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from domain import events as e
from domain.decisions import Decision
from domain.errors import NotFoundError
from domain.organization.decider import organization_of
from domain.organization.handlers.texts import (
    ForgottenTexts,
    forget_earlier_texts,
    repeat_forgetting,
)
from domain.streams import texts_subject
from tests.kit.builders import ADA, BERTA, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

CAMPAIGN, KEY = UUID(int=77), BERTA
OURS = [
    e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC"),
    e.ProjectCreated(project_id=PROJECT, name="Spring of @ada", description="Kids"),
    e.ApiKeyCreated(key_id=KEY, name="@ada", digest="x", hint="y", scopes=("read",)),
]
CAMP: list[e.Event] = [
    e.CampaignCreated(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        name="Camp with @ada",
        metadata={"star": "ada"},
    ),
    e.CampaignDetailsChanged(organization_id=ORGANIZATION, name="Camp", metadata={}),
]


def forgotten(of: UUID, *ours: e.Event, camp: Sequence[e.Event] | None = None):
    histories = {ORGANIZATION: [*OURS, *ours], CAMPAIGN: CAMP if camp is None else camp}
    handler = forget_earlier_texts(of, organization_id=ORGANIZATION)
    return decide_on(histories, handler)


def test_the_present_texts_are_stated_anew_and_the_earlier_ones_are_forgotten():
    decision = forgotten(CAMPAIGN)

    subject = texts_subject(CAMPAIGN, 0)
    event = e.EarlierTextsForgotten(
        organization_id=ORGANIZATION,
        kind="campaign",
        of=CAMPAIGN,
        subject=subject,
        texts={"name": "Camp"},
    )
    assert decision.events == [(CAMPAIGN, event)]
    assert decision.result.subject == subject
    assert {*decision.result.texts} == {"Camp with @ada", "star", "ada"}


def test_each_forgetting_that_only_the_keys_know_is_repeated_without_texts():
    keys = {texts_subject(CAMPAIGN, times) for times in (0, 1, 2, 4)}
    ((_, first),) = forgotten(CAMPAIGN).events
    histories = {ORGANIZATION: OURS, CAMPAIGN: [*CAMP, first]}

    def repeated(of: UUID) -> Decision[ForgottenTexts]:
        handler = repeat_forgetting(of, organization_id=ORGANIZATION, destroyed=keys)
        return decide_on(histories, handler)

    assert [event for _, event in repeated(CAMPAIGN).events] == [
        e.EarlierTextsForgotten(
            organization_id=ORGANIZATION,
            kind="campaign",
            of=CAMPAIGN,
            subject=texts_subject(CAMPAIGN, times),
        )
        for times in (1, 2)
    ]
    assert (repeated(KEY).events, repeated(KEY).result.subject) == ([], None)


def test_without_earlier_texts_nothing_is_appended():
    for of in (PROJECT, ORGANIZATION, KEY):
        decision = forgotten(of)

        assert (len(decision.events), decision.result.subject) == (0, None)


def test_a_second_time_another_key_is_destroyed():
    unreadable = e.CampaignCreated(
        organization_id=ORGANIZATION, project_id=PROJECT, name="erased"
    )
    nameless = e.CampaignDetailsChanged(organization_id=ORGANIZATION, name="erased")
    ((_, first),) = forgotten(CAMPAIGN).events
    camp: list[e.Event] = [unreadable, nameless, first]
    again = e.CampaignDetailsChanged(organization_id=ORGANIZATION, name="Tents")

    assert not forgotten(CAMPAIGN, camp=camp).events
    second = forgotten(CAMPAIGN, camp=[*camp, again]).result

    assert (second.subject, [*second.texts]) == (texts_subject(CAMPAIGN, 1), ["Camp"])


def test_what_is_deleted_or_revoked_keeps_no_text():
    deleted = e.CampaignDeleted(organization_id=ORGANIZATION)
    decision = forgotten(CAMPAIGN, camp=[*CAMP, deleted])
    key = forgotten(KEY, e.ApiKeyRevoked(key_id=KEY))

    assert [event.texts for _, event in decision.events] == [{}]  # type: ignore[attr-defined]
    assert [event.texts for _, event in key.events] == [{}]  # type: ignore[attr-defined]
    assert [*key.result.texts] == ["@ada"]


def test_projects_keys_and_the_organization_are_read_by_their_present_texts_after_it():
    changes: list[e.Event] = [
        e.OrganizationSettingsChanged(name="Herd"),
        e.ProjectDetailsChanged(
            project_id=PROJECT,
            name="Spring",
            description=None,
            client="Alm of @ada",
            comment="For @ada",
        ),
        e.ProjectDetailsChanged(project_id=PROJECT, client="Alm", comment=None),
        e.ApiKeyRenamed(key_id=KEY, name="Robot"),
    ]
    events = [
        event
        for of in (ORGANIZATION, PROJECT, KEY)
        for _, event in forgotten(of, *changes).events
    ]

    state = organization_of([*OURS, *changes, *events])

    assert state == organization_of([*OURS, *changes])
    assert [type(event) for event in events] == [e.EarlierTextsForgotten] * 3


def test_nothing_of_others_can_be_forgotten():
    of_others = e.CampaignCreated(organization_id=ADA, project_id=ADA, name="Theirs")

    for of, camp in ((ADA, None), (CAMPAIGN, [of_others])):
        with pytest.raises(NotFoundError):
            forgotten(of, camp=camp)

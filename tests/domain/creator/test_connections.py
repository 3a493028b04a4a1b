"""Creators are connected with their own account, once, and not with another's."""

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.connection.consent import BASIC, PROFILE, SCOPES
from domain.connection.errors import (
    ConnectedElsewhereError,
    OtherHandleError,
    ScopeMissingError,
)
from domain.creator.decider import creator_of, decide
from domain.creator.handlers.connect import (
    connect_creator,
    disconnect_creator,
    lose_connection,
)
from domain.decisions import Decision
from domain.errors import CreatorRemovedError, HandleTakenError, NotFoundError
from tests.domain.creator.test_change import (
    ADDED,
    CLAIM,
    CLAIMED,
    COMMAND,
    REMOVED,
)
from tests.kit.builders import ADA, BERTA, NAMES, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

ELSEWHERE = UUID("44444444-4444-4444-8444-444444444444")
CONNECT = c.ConnectAccount(provider="display", scopes=tuple(SCOPES), open_id="open-ada")
CONNECTED = e.CreatorConnected(
    organization_id=ORGANIZATION,
    provider="display",
    scopes=tuple(sorted(SCOPES)),
    open_id="open-ada",
)
END = c.EndConnection(provider="display", reason="revoked_here")
ENDED = e.CreatorConnectionLost(
    organization_id=ORGANIZATION, provider="display", reason="revoked_here"
)
BERTAS = replace(ADDED, handle="berta")


def given(*creator: e.Event, berta: tuple[e.Event, ...] = ()) -> dict[UUID, Any]:
    return {ADA: creator or [ADDED], BERTA: berta, CLAIM: [CLAIMED]}


def connected(
    known: dict[UUID, Any],
    command: c.ConnectAccount = CONNECT,
    *,
    username: str = "ada",
    may_rename: bool = False,
    same_account: tuple[UUID, ...] = (),
    organization_id: UUID = ORGANIZATION,
) -> Decision[UUID]:
    handler = connect_creator(
        ADA,
        command,
        username=username,
        may_rename=may_rename,
        same_account=same_account,
        organization_id=organization_id,
        command_id=COMMAND,
        names=NAMES,
    )
    return decide_on(known, handler)


def kinds(decision: Decision[UUID]) -> list[tuple[UUID, str]]:
    return [(stream, event.stored_name) for stream, event in decision.events]


def test_a_creator_that_consents_with_its_handle_is_connected_and_scraped():
    decision = connected(given())

    assert decision.result == ADA
    assert decision.events[0] == (ADA, CONNECTED)
    assert [
        (event.job_type, event.trigger)
        for _, event in decision.events
        if isinstance(event, e.ScrapeRequested)
    ] == [("creator_profiles", "connected"), ("discover_videos", "connected")]


@pytest.mark.parametrize("username", ("Ada", "@ada", "ADA"))
def test_a_handle_is_the_same_in_any_letter_case(username: str):
    assert connected(given(), username=username).events[0] == (ADA, CONNECTED)


def test_an_account_with_another_handle_is_not_the_creator_unless_it_is_accepted():
    with pytest.raises(OtherHandleError) as refused:
        connected(given(), username="lovelace")

    assert (refused.value.handle, refused.value.known) == ("lovelace", "ada")


def test_a_creator_under_a_new_handle_is_renamed_with_its_claim_once_accepted():
    decision = connected(given(), username="lovelace", may_rename=True)

    new_claim = NAMES.claim_stream(PROJECT, "lovelace")
    assert kinds(decision) == [
        (ADA, "handle_changed"),
        (ADA, "creator_connected"),
        (new_claim, "handle_claimed"),
        (CLAIM, "handle_released"),
        *(pair for pair in kinds(decision)[4:]),
    ]
    runs = [ev for _, ev in decision.events if isinstance(ev, e.ScrapeRequested)]
    assert [(run.job_type, run.trigger) for run in runs] == [
        ("creator_profiles", "renamed"),
        ("discover_videos", "connected"),
    ]
    assert {run.handle for run in runs} == {"lovelace"}


def test_a_handle_that_another_creator_has_is_not_taken_from_it():
    known = given(berta=(BERTAS,))
    known[NAMES.claim_stream(PROJECT, "berta")] = [
        replace(CLAIMED, handle="berta", creator_id=BERTA)
    ]

    with pytest.raises(HandleTakenError):
        connected(known, username="berta", may_rename=True)


def test_one_account_is_not_connected_under_two_creators_of_a_project():
    known = given(berta=(BERTAS, CONNECTED))

    with pytest.raises(ConnectedElsewhereError):
        connected(known, same_account=(BERTA,))


@pytest.mark.parametrize(
    "berta",
    (
        (BERTAS, CONNECTED, ENDED),
        (BERTAS, replace(CONNECTED, open_id="open-berta")),
        (replace(BERTAS, project_id=ELSEWHERE), CONNECTED),
        (BERTAS, CONNECTED, ENDED, REMOVED),
    ),
    ids=["ended", "of another account", "in another project", "removed"],
)
def test_an_account_that_no_other_creator_of_the_project_has_is_free(
    berta: tuple[e.Event, ...],
):
    decision = connected(given(berta=berta), same_account=(ADA, BERTA))

    assert decision.events[0] == (ADA, CONNECTED)
    assert decision.guards == [BERTA]


def test_a_creator_that_consents_again_is_connected_anew():
    fewer = replace(CONNECT, scopes=(*list(SCOPES)[:3],))

    decision = connected(given(ADDED, CONNECTED), fewer, same_account=(ADA,))

    assert decision.events[0] == (ADA, replace(CONNECTED, scopes=fewer.scopes))


def test_a_consent_that_allows_too_little_connects_nobody():
    with pytest.raises(ScopeMissingError):
        connected(given(), replace(CONNECT, scopes=(BASIC, PROFILE)))


def test_who_was_removed_is_not_connected():
    with pytest.raises(CreatorRemovedError):
        connected(given(ADDED, REMOVED))


def test_nobody_connects_the_creators_of_others():
    with pytest.raises(NotFoundError):
        connected(given(), organization_id=BERTA)
    with pytest.raises(NotFoundError):
        decide_on(given(), disconnect_creator(ADA, END, organization_id=BERTA))


def test_a_connection_that_is_ended_is_ended_once():
    first = decide_on(
        given(ADDED, CONNECTED),
        disconnect_creator(ADA, END, organization_id=ORGANIZATION),
    )
    again = decide_on(
        given(ADDED, CONNECTED, ENDED),
        disconnect_creator(ADA, END, organization_id=ORGANIZATION),
    )

    assert first.events == [(ADA, ENDED)]
    assert again.events == []


def test_a_token_that_is_refused_ends_the_connection_that_it_was_of():
    lost = c.EndConnection(provider="display", reason="expired")

    decision = decide_on(
        given(ADDED, CONNECTED), lose_connection(ADA, lost, open_id="open-ada")
    )

    assert decision.events == [(ADA, replace(ENDED, reason="expired"))]


@pytest.mark.parametrize(
    "creator",
    ((ADDED,), (ADDED, CONNECTED, ENDED), (ADDED, replace(CONNECTED, open_id="new"))),
)
def test_a_token_of_before_ends_nothing_that_came_after_it(
    creator: tuple[e.Event, ...],
):
    handler = lose_connection(ADA, END, open_id="open-ada")

    assert not decide_on(given(*creator), handler).events


def test_who_is_removed_is_not_read_any_more():
    creator = creator_of([ADDED, CONNECTED])

    events = decide(creator, c.SoftDelete())

    assert events == [ENDED, e.CreatorRemoved(organization_id=ORGANIZATION)]
    assert decide(creator_of([ADDED, CONNECTED, ENDED]), c.SoftDelete()) == [events[1]]


def test_nothing_is_left_of_a_connection_once_the_person_is_erased():
    erased = e.SubjectErased(organization_id=ORGANIZATION, number=1, figures="drop")

    creator = creator_of([ADDED, CONNECTED, erased])

    assert creator is not None
    assert creator.connections == {}
    assert decide(creator, END) == []

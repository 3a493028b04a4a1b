from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.messages import copied

KEY, EXPIRES = UUID(int=1), datetime(2027, 3, 1, tzinfo=UTC)
CREATE_KEY = c.CreateApiKey(
    key_id=KEY,
    name="CI",
    digest="d" * 64,
    hint="abcd",
    scopes=("read",),
    expires_at=EXPIRES,
)


def test_a_copy_has_the_common_fields_and_those_that_change():
    event = copied(CREATE_KEY, e.ApiKeyCreated, name="Deploy")

    assert event == e.ApiKeyCreated(
        key_id=KEY,
        name="Deploy",
        digest="d" * 64,
        hint="abcd",
        scopes=("read",),
        expires_at=EXPIRES,
    )


def test_a_copy_without_a_needed_field_is_refused():
    with pytest.raises(TypeError, match="organization_id"):
        copied(c.Reenable(at=EXPIRES), e.CreatorReenabled)


def test_the_events_of_new_things_get_every_field_from_their_commands(
    subtests: pytest.Subtests,
):
    # given: the fields that an event has for old logs, or that its decider computes
    others = {"platform"}
    pairs = (
        (c.CreateOrganization, e.OrganizationCreated),
        (c.CreateApiKey, e.ApiKeyCreated),
        (c.CreateProject, e.ProjectCreated),
        (c.AddCreator, e.CreatorAdded),
        (c.ClaimHandle, e.HandleClaimed),
        (c.ReleaseHandle, e.HandleReleased),
        (c.PinAccount, e.AccountPinned),
        (c.BanHandle, e.HandleBanned),
        (c.UnbanHandle, e.HandleUnbanned),
        (c.RequestScrape, e.ScrapeRequested),
        (c.DiscoverVideo, e.VideoDiscovered),
        (c.AddVideo, e.VideoAdded),
        (c.CreateCampaign, e.CampaignCreated),
        (c.AddAnnotation, e.AnnotationAdded),
    )
    for command, event in pairs:
        with subtests.test(event.stored_name):
            needed = {*event.__struct_fields__} - others
            assert needed <= {*command.__struct_fields__}

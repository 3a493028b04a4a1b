"""The subjects of an event's personal fields; no personal field is forgotten."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from msgspec import Struct
from msgspec.structs import replace

from domain import events as e
from domain.streams import texts_subject, video_stream
from domain.subjects import personal_fields, subject_of
from tests.kit.builders import ADA, BERTA, NOON, ORGANIZATION, PROJECT, SCRAPE

# Fields with text that says nothing about a person, with the reason.
_CODE = "one of the product's own words, a name that it gives, or a standard code"
_DIGEST = "a digest, from which nothing can be read"
_PSEUDONYMS = "made with a key of the installation (decision 48)"
HARMLESS = {
    **{
        (name, "channels"): "the bell, or ids of channels"
        for name in ("alert_rule_made", "alert_rule_changed")
    },
    **{
        (name, "types"): "names from Goatherd's own table"
        for name in ("webhook_created", "webhook_changed", "webhook_replay_requested")
    },
    ("organization_created", "plan"): _CODE,
    ("organization_created", "time_zone"): _CODE,
    ("organization_settings_changed", "time_zone"): _CODE,
    ("subject_erased", "time_zone"): _CODE,
    ("plan_changed", "old"): _CODE,
    ("plan_changed", "new"): _CODE,
    ("api_key_created", "digest"): _DIGEST,
    ("api_key_created", "hint"): "the last characters of a key, to tell keys apart",
    ("project_logo_changed", "logo"): _DIGEST,
    ("project_details_changed", "color"): "six hexadecimal digits",
    ("report_issued", "color"): "six hexadecimal digits",
    ("person_registered", "locale"): _CODE,
    ("person_registered", "time_zone"): _CODE,
    ("person_preferences_changed", "time_zone"): _CODE,
    ("campaign_created", "currency"): _CODE,
    ("campaign_details_changed", "currency"): _CODE,
    ("report_issued", "time_zone"): _CODE,
    ("share_made", "as_of"): "a time or a position of the log",
    ("alert_rule_made", "built_in"): _CODE,
    **{
        (event, "subject_key"): "an id, or a name that the product gives"
        for event in ("alert_pending", "alert_opened", "alert_resolved")
    },
    ("source_failing", "provider"): _CODE,
    ("source_recovered", "provider"): _CODE,
    ("creator_connected", "scopes"): "TikTok's own names of what may be read",
    ("profile_snapshot_recorded", "provider"): _CODE,
    ("video_stats_snapshot_recorded", "provider"): _CODE,
    ("video_stats_snapshot_recorded", "kinds"): _CODE,
    ("video_stats_snapshot_recorded", "video_ids"): _PSEUDONYMS,
    ("scrape_succeeded", "provider"): _CODE,
    ("scrape_succeeded", "payload_sha256"): _DIGEST,
    ("scrape_succeeded", "missing_video_ids"): _PSEUDONYMS,
    ("scrape_failed", "provider"): _CODE,
    ("scrape_succeeded", "tried"): _CODE,
    ("scrape_failed", "tried"): _CODE,
    ("video_discovered", "pseudonym"): _PSEUDONYMS,
    ("video_added", "pseudonym"): _PSEUDONYMS,
    **{
        ("root_signed", field): _DIGEST
        for field in ("tree", "events", "before", "signature", "key", "roots")
    },
    **{
        ("signing_key_rotated", field): _DIGEST
        for field in ("old_key", "new_key", "signatures")
    },
}

OURS: dict[str, Any] = {"organization_id": ORGANIZATION}
VIDEO = video_stream(PROJECT, "7")


def _holds_text(hint: Any) -> bool:  # noqa: ANN401 - a type
    if hint in (str, bytes, object, Any, dict):
        return True
    origin = get_origin(hint)
    if origin is Literal:
        return False
    if origin is Annotated:
        return _holds_text(get_args(hint)[0])
    if isinstance(hint, type) and issubclass(hint, Struct):
        hints = get_type_hints(hint, include_extras=True)
        return any(map(_holds_text, hints.values()))
    return any(_holds_text(part) for part in get_args(hint))


def test_every_field_with_text_is_personal_or_known_to_be_harmless() -> None:
    with_text: set[tuple[str, str]] = set()
    personal: set[tuple[str, str]] = set()
    for name, kind in e.STORED_NAMES.items():
        hints = get_type_hints(kind, include_extras=True)
        with_text |= {
            (name, field)
            for field in kind.__struct_fields__
            if _holds_text(hints[field])
        }
        personal |= {(name, field) for field in personal_fields(kind)}

    assert personal | HARMLESS.keys() == with_text
    assert not personal & HARMLESS.keys()


def test_what_is_harmless_is_of_an_event_that_exists() -> None:
    assert {name for name, _ in HARMLESS} <= e.STORED_NAMES.keys()


def test_text_is_found_wherever_a_field_holds_it() -> None:
    for hint in (str, str | None, dict[str, int], tuple[str | None, ...], list[Any]):
        assert _holds_text(hint)
    for hint in (int, UUID, tuple[int | None, ...], Literal["a"], date | None):
        assert not _holds_text(hint)


def subject(stream: UUID, event: e.Event, **histories: Iterable[e.Event]) -> UUID:
    """The subject, with the histories of the streams that the tests use."""
    known = {VIDEO: histories.get("video", ()), SCRAPE: histories.get("run", ())}
    return subject_of(stream, event, lambda each: known.get(each, ()))


def _discovered(creator_id: UUID) -> e.VideoDiscovered:
    return e.VideoDiscovered(
        **OURS,
        project_id=PROJECT,
        creator_id=creator_id,
        tiktok_video_id="7",
        handle="ada",
        tracking_status="included",
        scrape_id=SCRAPE,
    )


ADDED = e.VideoAdded(
    **OURS, project_id=PROJECT, tiktok_video_id="7", handle="ada", kind="video"
)
CHANGED = e.VideoDetailsChanged(**OURS, description="x")


def _requested(creator_id: UUID | None) -> e.ScrapeRequested:
    return e.ScrapeRequested(
        **OURS,
        project_id=PROJECT,
        creator_id=creator_id,
        handle="ada",
        job_type="video_stats",
        trigger="manual",
        tiktok_video_ids=("7",),
    )


def _failed(creator_id: UUID | None) -> e.ScrapeFailed:
    return e.ScrapeFailed(
        **OURS,
        creator_id=creator_id,
        job_type="video_stats",
        provider="web",
        attempts=1,
        error="@ada is away",
    )


def test_an_event_of_a_creator_is_the_creators() -> None:
    assert subject(ADA, e.HandleChanged(**OURS, old="ada", new="eve")) == ADA
    claimed = e.HandleClaimed(**OURS, project_id=PROJECT, handle="ada", creator_id=ADA)
    assert subject(BERTA, claimed) == ADA
    assert subject(SCRAPE, _requested(ADA)) == ADA
    assert subject(SCRAPE, _failed(ADA)) == ADA


def test_a_video_is_its_own_subject_until_a_creator_has_it() -> None:
    assert subject(VIDEO, ADDED) == VIDEO
    assert subject(VIDEO, CHANGED, video=[ADDED]) == VIDEO
    assert subject(VIDEO, _discovered(ADA), video=[ADDED]) == ADA
    assert subject(VIDEO, CHANGED, video=[ADDED, _discovered(ADA)]) == ADA
    again = [_discovered(ADA), _discovered(BERTA)]
    assert subject(VIDEO, ADDED, video=again) == BERTA


def test_a_run_of_a_video_without_a_creator_is_the_videos() -> None:
    assert subject(SCRAPE, _requested(None)) == VIDEO
    assert subject(SCRAPE, _failed(None), run=[_requested(None)]) == VIDEO
    by_id = replace(_requested(None), tiktok_video_ids=("8",), video_id=VIDEO)
    assert subject(SCRAPE, by_id) == VIDEO


@pytest.mark.parametrize(
    ("scope", "scope_id"),
    (
        ("org", ORGANIZATION),
        ("project", PROJECT),
        ("campaign", BERTA),
        ("creator", ADA),
        ("video", VIDEO),
    ),
)
def test_a_note_is_of_what_it_is_about(
    scope: e.AnnotationScope, scope_id: UUID
) -> None:
    added = e.AnnotationAdded(
        **OURS,
        scope=scope,
        scope_id=scope_id,
        starts_on=NOON.date(),
        ends_on=NOON.date(),
        text="x",
    )
    changed = e.AnnotationChanged(**OURS, text="y")

    assert subject(SCRAPE, added) == scope_id
    assert subject(SCRAPE, changed, run=[added]) == scope_id
    whose = ADA if scope == "video" else scope_id
    assert subject(SCRAPE, added, video=[_discovered(ADA)]) == whose
    assert subject(SCRAPE, changed, run=[added], video=[_discovered(ADA)]) == whose


def test_a_ban_is_its_own() -> None:
    assert subject(BERTA, e.HandleBanned(handle="ada", reason="x")) == BERTA


CAMPAIGN = UUID(int=77)


def _forgotten(of: UUID) -> e.EarlierTextsForgotten:
    return e.EarlierTextsForgotten(
        organization_id=ORGANIZATION,
        kind="campaign",
        of=of,
        subject=texts_subject(of, 0),
        texts={"name": "Summer"},
    )


def test_texts_of_a_tenants_own_things_have_a_subject_until_they_are_forgotten() -> (
    None
):
    stream, key = ORGANIZATION, BERTA
    created = e.CampaignCreated(**OURS, project_id=PROJECT, name="Camp")
    renamed = e.CampaignDetailsChanged(**OURS, name="Summer")
    project = e.ProjectCreated(project_id=PROJECT, name="Alps")
    named = e.ApiKeyRenamed(key_id=key, name="Robot")
    ours = e.OrganizationSettingsChanged(name="Herd")
    first = _forgotten(CAMPAIGN)

    def of(place: UUID, event: e.Event, *history: e.Event) -> UUID:
        return subject_of(place, event, lambda _: history)

    assert of(CAMPAIGN, created) == of(CAMPAIGN, renamed, created)
    assert of(CAMPAIGN, created) == texts_subject(CAMPAIGN, 0) == first.subject
    assert of(CAMPAIGN, first, created, renamed) == texts_subject(CAMPAIGN, 1)
    assert of(CAMPAIGN, renamed, created, first) == texts_subject(CAMPAIGN, 1)
    assert of(CAMPAIGN, first, created, first) == texts_subject(CAMPAIGN, 2)
    of_project = _forgotten(PROJECT)
    assert of(stream, project) == texts_subject(PROJECT, 0)
    assert of(stream, project, of_project) == texts_subject(PROJECT, 1)
    assert of(stream, named, of_project) == texts_subject(key, 0)
    assert of(stream, ours, of_project) == texts_subject(ORGANIZATION, 0)

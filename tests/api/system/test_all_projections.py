"""Which projections there are, and which events each takes in."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import get_args

import pytest

import projections
import workers
from api.system.all_projections import ALL_PROJECTIONS
from domain import events as e
from projections.engine.handlers import stored_names
from projections.engine.projection import CustomDecoding, Ruled, Sliced
from projections.registry import PROJECTIONS

# Of every event, the projections that take it in. Who adds an event says here whom it
# concerns; whoever is not named passes it over.
READERS: dict[str, str] = {
    "organization_created": "api_keys schedule",
    "organization_settings_changed": "api_keys known_videos schedule",
    "plan_changed": "api_keys schedule",
    "api_key_created": "api_keys",
    "api_key_revoked": "api_keys",
    "project_created": "analytics projects",
    "project_details_changed": "analytics projects",
    "creator_added": "analytics creator_history creator_list schedule",
    "handle_changed": "analytics creator_history creator_list schedule verdict_streaks",
    "creator_details_changed": "creator_history creator_list",
    "tracking_mode_changed": "creator_history creator_list",
    "tracking_window_changed": "creator_history creator_list known_videos schedule",
    "creator_removed": "creator_history creator_list schedule verdict_streaks",
    "creator_reactivated": "creator_history creator_identities creator_list "
    "known_videos schedule verdict_streaks",
    "creator_auto_disabled": "creator_history creator_list schedule",
    "creator_reenabled": "creator_history creator_list schedule verdict_streaks",
    "handle_claimed": "",
    "handle_released": "",
    "handle_banned": "bans",
    "handle_unbanned": "bans",
    "scrape_requested": "creator_history schedule scrape_jobs scrape_runs",
    "profile_snapshot_recorded": "analytics creator_history "
    "creator_identities creator_list",
    "video_stats_snapshot_recorded": "analytics creator_history known_videos videos",
    "scrape_succeeded": "creator_history creator_list known_videos "
    "scrape_runs verdict_streaks",
    "scrape_failed": "creator_history scrape_runs verdict_streaks",
    "video_discovered": "analytics creator_history known_videos schedule videos",
    "video_added": "analytics creator_history known_videos schedule videos",
    "video_came_into_window": "analytics creator_history known_videos schedule videos",
    "video_included": "analytics creator_history known_videos schedule videos",
    "video_excluded": "analytics creator_history known_videos schedule videos",
    "video_put_back": "analytics creator_history known_videos schedule videos",
    "video_tracking_disabled": "analytics creator_history known_videos schedule videos",
    "video_details_changed": "creator_history videos",
    "video_went_missing": "creator_history videos",
}
# Read models that tell an aggregate's state, so no event of it may be forgotten.
WHOLE_AGGREGATES = [
    ("creator_list", e.CreatorEvent),
    ("videos", e.VideoEvent),
    ("bans", e.BanEvent),
    ("creator_history", e.CreatorEvent | e.ScrapeEvent | e.VideoEvent),
    (None, e.OrganizationEvent),
]


def product_classes() -> Iterator[type]:
    for package in (projections, workers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for _, cls in inspect.getmembers(module, inspect.isclass):
                if cls.__module__ == found.name:
                    yield cls


def test_every_projection_class_is_listed():
    found = {
        cls
        for cls in product_classes()
        if isinstance(vars(cls).get("events"), frozenset) and hasattr(cls, "write")
    }

    assert found == {type(projection) for projection in ALL_PROJECTIONS}
    assert {*PROJECTIONS} <= {*ALL_PROJECTIONS}


def test_names_are_unique():
    names = [projection.name for projection in ALL_PROJECTIONS]

    assert len(names) == len({*names})


def test_analytics_has_what_its_engine_looks_for():
    """Protocols are recognized by their members, so a renamed one would pass unseen."""
    (analytics,) = (each for each in PROJECTIONS if each.name == "analytics")

    assert isinstance(analytics, CustomDecoding)
    assert isinstance(analytics, Sliced)
    assert isinstance(analytics, Ruled)


@pytest.mark.parametrize("name", e.STORED_NAMES)
def test_whom_an_event_concerns_is_said(name: str):
    readers = {p.name for p in ALL_PROJECTIONS if name in p.events}

    assert readers == {*READERS[name].split()}


@pytest.mark.parametrize(("projection", "events"), WHOLE_AGGREGATES)
def test_the_state_of_an_aggregate_follows_all_its_events(
    projection: str | None, events: type[e.Event]
):
    read = {
        name
        for each in ALL_PROJECTIONS
        if projection in {None, each.name}
        for name in each.events
    }

    assert stored_names(*get_args(events)) <= read

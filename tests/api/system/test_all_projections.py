"""Which projections there are, and which events each takes in."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import get_args

import pytest

import application
import projections
import workers
from api.system.all_projections import ALL_PROJECTIONS
from domain import events as e
from projections.engine.folds import stored_names
from projections.engine.projection import CustomDecoding, Ruled, Sliced
from projections.registry import PROJECTIONS

# Nobody reads these: claims, numbers, bans of the erased and roots are asked of their
# own streams.
UNREAD = {
    "account_pinned",
    "erased_account_banned",
    "erased_account_unbanned",
    "erasure_numbered",
    "handle_claimed",
    "handle_released",
    "root_signed",
    "signing_key_rotated",
}
# Read models that tell an aggregate's state, so no event of it may be forgotten.
WHOLE_AGGREGATES = [
    ("creator_list", e.CreatorEvent),
    ("videos", e.VideoEvent),
    ("bans", e.BanEvent),
    ("campaigns", e.CampaignEvent),
    ("annotations", e.AnnotationEvent),
    ("views", e.ViewEvent),
    ("shares", e.ShareEvent),
    ("reports", e.ReportEvent),
    ("alerts", e.AlertRuleEvent),
    ("alerts", e.AlertEvent),
    ("creator_history", e.CreatorEvent | e.ScrapeEvent | e.VideoEvent),
    ("creator_history", e.MembershipEvent),
    (None, e.OrganizationEvent),
]


def product_classes() -> Iterator[type]:
    for package in (application, projections, workers):
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


def test_every_event_has_a_reader():
    read = {name for projection in ALL_PROJECTIONS for name in projection.events}

    assert e.STORED_NAMES.keys() - read == UNREAD


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

from functools import reduce

import pytest

from domain import events as e
from domain.video.tracking import Tracking, tracking_after
from tests.domain.video.test_videos import ADDED, EXCLUDED, OWN, discovered
from tests.kit.builders import ADA, SCRAPE

INCLUDED = e.VideoIncluded(**OWN)
DISABLED = e.VideoTrackingDisabled(**OWN)
PUT_BACK = e.VideoPutBack(**OWN)
CAME_IN = e.VideoCameIntoWindow(tracking_status="auto_tracked", **OWN)
MERGED = e.VideoMerged(creator_id=ADA, into_video_id=SCRAPE, **OWN)
DESCRIBED = e.VideoDetailsChanged(readme="# Goats", **OWN)


@pytest.mark.parametrize(
    ("history", "tracking", "is_counted"),
    (
        ([ADDED], Tracking("direct_add"), True),
        ([discovered("pending_review")], Tracking("pending_review"), False),
        ([ADDED, discovered("out_of_window")], Tracking("direct_add"), True),
        ([discovered("out_of_window"), CAME_IN], Tracking("auto_tracked"), True),
        ([ADDED, DISABLED], Tracking("direct_add", is_enabled=False), False),
        ([ADDED, DISABLED, EXCLUDED], Tracking("excluded", is_enabled=False), False),
        ([ADDED, DISABLED, PUT_BACK], Tracking("pending_review"), False),
        ([ADDED, DISABLED, INCLUDED], Tracking("included"), True),
        ([ADDED, DISABLED, ADDED], Tracking("direct_add"), True),
        (
            [discovered("out_of_window"), DISABLED, CAME_IN],
            Tracking("auto_tracked", is_enabled=False),
            False,
        ),
        ([ADDED, DESCRIBED], Tracking("direct_add"), True),
        ([ADDED, DISABLED, MERGED], Tracking("merged"), False),
        ([ADDED, MERGED, ADDED], Tracking("direct_add"), True),
        (
            [ADDED, MERGED, discovered("out_of_window")],
            Tracking("out_of_window"),
            False,
        ),
    ),
)
def test_events_say_how_a_video_stands(
    history: list[e.Event], tracking: Tracking, *, is_counted: bool
):
    found = reduce(tracking_after, history, None)

    assert found == tracking
    assert found is not None
    assert found.is_counted == is_counted


def test_a_video_begins_by_being_discovered_or_added():
    assert tracking_after(None, INCLUDED) is None

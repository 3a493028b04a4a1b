"""analytics: every look and its sums, kept so that no order of facts matters."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.store import Recorded
from projections import analytics_tables as tables
from projections.analytics_intake import Intake
from projections.analytics_parts import parts_of_log
from projections.analytics_videos import TOLD_OF_VIDEOS


class Analytics:
    """Keeps the tables analytics_*."""

    name = "analytics"
    version = 2
    facts = TOLD_OF_VIDEOS | {
        "project_created",
        "project_details_changed",
        "creator_added",
        "handle_changed",
        "profile_snapshot_recorded",
        "video_stats_snapshot_recorded",
    }

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Take the facts in; those that were taken in before change nothing."""
        tables.enable_arrays(cursor)
        for part in parts_of_log(facts):
            Intake(cursor).take_in(part)

"""Projection analytics: every snapshot, and sums that are equal in any order of events.

The modules that fold are imported when they are first needed. They import numpy, which
takes a tenth of a second to load, and most processes of Goatherd never need it.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from domain.analytics.rules import RULES
from domain.messages import Event
from infra.eventstore.store import RecordedEvent
from projections.analytics.store.baseline_rule import put_rule, rule_of
from projections.engine.folds import stored_names
from projections.engine.projection import Merged


def _decode_video_snapshot(body: bytes) -> Event:
    from projections.analytics.fold.snapshot_decoder import decode_video_snapshot

    return decode_video_snapshot(body)


class AnalyticsProjection:
    """Keeps the tables analytics_*.

    ``rule`` is the baseline rule for a rebuild, None for the one in force. Following
    the log always uses the rule that is stored in the tables.
    """

    name = "analytics"
    version = RULES
    events = stored_names(
        e.ProjectCreated,
        e.ProjectDetailsChanged,
        e.CreatorAdded,
        e.CreatorMoved,
        e.SubjectErased,
        e.HandleChanged,
        e.ProfileSnapshotRecorded,
        e.VideoStatsSnapshotRecorded,
        e.VideoDiscovered,
        e.VideoAdded,
        e.VideoCameIntoWindow,
        e.VideoIncluded,
        e.VideoExcluded,
        e.VideoPutBack,
        e.VideoTrackingDisabled,
        e.VideoMerged,
        e.CampaignCreated,
        e.CampaignDetailsChanged,
        e.CampaignItemAdded,
        e.CampaignItemRemoved,
        e.CampaignDeleted,
        e.EarlierTextsForgotten,
    )
    tables = (
        "analytics_rule",
        "analytics_subjects",
        "analytics_videos",
        "analytics_snapshots",
        "analytics_owner_states",
        "analytics_unattributed",
        "analytics_gathered",
        "analytics_video_lists",
        "analytics_video_rollups",
        "analytics_profile_rollups",
        "analytics_profile_precision",
        "analytics_video_totals",
        "analytics_video_days",
        "analytics_profile_totals",
        "analytics_profile_days",
        "analytics_creator_posts",
        "analytics_owner_days",
        "analytics_creator_moves",
        "analytics_campaign_changes",
        "analytics_campaign_members",
        "analytics_positions",
    )
    stages = ("videos", "erasures", "attribution", "owner_states", "campaigns")
    decoders: Mapping[str, Callable[[bytes], Event]] = {
        "video_stats_snapshot_recorded": _decode_video_snapshot
    }

    def __init__(self, rule: BaselineRule | None = None) -> None:
        self.rule: BaselineRule | None = rule

    def rule_of(self, cursor: Cursor[TupleRow]) -> BaselineRule:
        """Return the rule of the tables on the cursor's search path."""
        return rule_of(cursor)

    def begin_under(self, cursor: Cursor[TupleRow], rule: str) -> None:
        """Store a rule in the empty tables on the cursor's search path."""
        put_rule(cursor, msgspec.convert(rule, BaselineRule))

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold events into the tables. Events folded before change nothing."""
        from projections.analytics.store.positions import save_positions
        from projections.analytics.store.videos import enable_arrays
        from projections.analytics.write.live import write_batch

        enable_arrays(cursor)
        write_batch(cursor, events, rule_of(cursor))
        save_positions(cursor, events)

    def gather(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Store the events of a slice of the log, to be merged later."""
        from projections.analytics.store.videos import enable_arrays
        from projections.analytics.write.gather import gather

        enable_arrays(cursor)
        gather(cursor, events)

    def merge(
        self, cursor: Cursor[TupleRow], stage: str, *, partition: int, partitions: int
    ) -> Merged:
        """Do a part of the work that one partition of a stage still needs."""
        from projections.analytics.store.videos import enable_arrays
        from projections.analytics.write.merge import merge

        enable_arrays(cursor)
        return merge(cursor, stage, partition=partition, partitions=partitions)

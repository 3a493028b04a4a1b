"""The tracking window: the rule for the status of a creator's new video."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from domain.messages import TrackingMode, TrackingStatus


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The rule for a creator's new videos; both days are inclusive, a null end is open.

    The days begin in ``time_zone``, the organization's.
    """

    tracking_mode: TrackingMode
    tracking_start_date: date | None
    tracking_end_date: date | None
    time_zone: str

    def status_of(self, posted_at: datetime | None) -> TrackingStatus:
        """Return the status of a video that was posted at ``posted_at``.

        A video with an unknown time waits for review in every mode, because nobody can
        tell whether it lies within the window.
        """
        start, end = self.tracking_start_date, self.tracking_end_date
        if posted_at is None:
            is_open = start is None and end is None
            return self._status_in_window if is_open else "pending_review"
        day = posted_at.astimezone(ZoneInfo(self.time_zone)).date()
        if (start and day < start) or (end and day > end):
            return "out_of_window"
        return self._status_in_window

    @property
    def _status_in_window(self) -> TrackingStatus:
        return "auto_tracked" if self.tracking_mode == "auto" else "pending_review"

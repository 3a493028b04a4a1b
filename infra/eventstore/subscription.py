"""A subscription to the log for runners of the eventsourcing library."""

from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription

_INTERVAL_SECONDS = 0.1


class LogSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """Yields the events of the log in order, and polls for new ones at its end."""

    def _loop_on_pull(self) -> None:
        # The library's own loop waits for a notification without a time limit, so a
        # lost notification would stop its reader until the next append.
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(_INTERVAL_SECONDS)
        except BaseException as error:  # noqa: BLE001 - the reader's thread raises it
            self._thread_error = error
            self.stop()

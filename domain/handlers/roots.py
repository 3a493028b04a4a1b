"""The handlers that record what was signed of the log."""

from domain.decisions import Decision, Handler, on
from domain.integrity.events import HistorySealed, RootSigned
from domain.integrity.roots import newest_root, text_hash
from domain.streams import INSTALLATION


def record_root(root: RootSigned) -> Handler[RootSigned | None]:
    """Decide to record a root, which is the result.

    If another was recorded since it was made, which it does not contain, nothing
    happens, the result is null, and it is to be made again.
    """
    histories = yield (INSTALLATION,)
    newest = newest_root(histories[INSTALLATION])
    if root.before != (None if newest is None else text_hash(newest)):
        return Decision(None)
    return Decision(root, events=on(INSTALLATION, [root]))


def record_note(note: HistorySealed) -> Handler[None]:
    """Decide to record the note that history was sealed."""
    yield (INSTALLATION,)
    return Decision(None, events=on(INSTALLATION, [note]))

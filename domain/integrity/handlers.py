"""The handlers that record signed statements about the log."""

from domain.decisions import Decision, Handler, on
from domain.integrity.events import RootSigned, SigningKeyRotated
from domain.integrity.roots import newest_of, text_hash
from domain.integrity.signing_keys import is_of_key
from domain.streams import INSTALLATION


def record_root(root: RootSigned) -> Handler[RootSigned | None]:
    """Record a root, and return it.

    If the root does not contain the newest recorded one, or another key signs by now,
    nothing is recorded and the result is None; then make the root again.
    """
    histories = yield (INSTALLATION,)
    history = histories[INSTALLATION]
    newest = newest_of(history, RootSigned)
    if not is_of_key(root, newest_of(history, SigningKeyRotated)):
        return Decision(None)
    if root.before != (None if newest is None else text_hash(newest)):
        return Decision(None)
    return Decision(root, events=on(INSTALLATION, [root]))


def record_rotation(rotation: SigningKeyRotated) -> Handler[bool]:
    """Record a change of the key that signs roots.

    The result is False, and nothing is recorded, if the key was changed in the
    meantime, or if the old key signed a root after the time of the change.
    """
    histories = yield (INSTALLATION,)
    history = histories[INSTALLATION]
    before = newest_of(history, SigningKeyRotated)
    root = newest_of(history, RootSigned)
    is_stale = before is not None and before.new_key != rotation.old_key
    if is_stale or (root is not None and root.signed_at >= rotation.rotated_at):
        return Decision(result=False)
    return Decision(result=True, events=on(INSTALLATION, [rotation]))

"""The keys that sign roots: the time of each, and the texts of their changes."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from domain.integrity.chains import Misfit
from domain.integrity.events import RootSigned, SigningKeyRotated
from domain.integrity.roots import WrittenTime, time_text

# The check of a text's signature by a key; signature and key are in hex.
IsSigned = Callable[[bytes, str, str], bool]


class RecordedRotation(msgspec.Struct, frozen=True):
    """A change of the key as found in the log, with the position of its event."""

    at: int
    rotation: SigningKeyRotated


class SigningKey(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from"}):
    """A public Ed25519 key in hex, which signed from ``since`` until ``until``.

    Null is an open end. ``signatures`` are those of the previous key and of this one,
    over ``rotation_text``; null for the first key.
    """

    key: str
    since: WrittenTime | None = None
    until: WrittenTime | None = None
    signatures: tuple[str, ...] | None = None


class KeyTimes(NamedTuple):
    """The keys in order, and the positions at which each but the first one began."""

    keys: list[str]
    changed_at: list[int]

    def at(self, position: int) -> str:
        """Return the key that an event at this position is signed with."""
        return self.keys[bisect_left(self.changed_at, position)]


def rotation_text(rotated_at: datetime, old_key: str, new_key: str) -> bytes:
    """Return the text that both signatures of a change sign."""
    lines = ("goatherd key 1", time_text(rotated_at), old_key, new_key)
    return "".join(f"{line}\n" for line in lines).encode()


def key_times(rotations: Sequence[RecordedRotation], *, key: str) -> KeyTimes:
    """Return the times of the keys; ``key`` is the only one if it was never changed."""
    if not rotations:
        return KeyTimes([key], [])
    return KeyTimes(
        [rotations[0].rotation.old_key, *(each.rotation.new_key for each in rotations)],
        [each.at for each in rotations],
    )


def check_rotations(
    rotations: Sequence[RecordedRotation],
    *,
    key: str,
    is_kept: bool,
    head: int,
    is_signed: IsSigned,
) -> list[Misfit]:
    """Check that both keys signed each change, and that ``key`` is the last one.

    ``key`` may be an older one if it ``is_kept`` elsewhere.
    """
    misfits: list[Misfit] = []
    times = key_times(rotations, key=key)
    for each, old in zip(rotations, times.keys, strict=False):
        change = each.rotation
        text = rotation_text(change.rotated_at, change.old_key, change.new_key)
        both = zip((change.old_key, change.new_key), change.signatures, strict=True)
        if change.old_key != old or not all(is_signed(text, s, k) for k, s in both):
            why = "The change of the signing key is not signed by the key before it."
            misfits.append(Misfit(position=each.at, how="signature", text=why))
    if key != times.keys[-1] and not (is_kept and key in times.keys):
        why = "The newest signing key in the log is not this installation's."
        at = rotations[-1].at if rotations else head
        misfits.append(Misfit(position=at, how="signature", text=why))
    return misfits


def signing_keys(
    rotations: Iterable[SigningKeyRotated], *, key: str
) -> list[SigningKey]:
    """Return all keys with their times; ``key`` is the only one if never changed."""
    keys: list[SigningKey] = []
    for change in rotations:
        at = time_text(change.rotated_at)
        before = keys.pop() if keys else SigningKey(key=change.old_key)
        keys += [
            msgspec.structs.replace(before, until=at),
            SigningKey(key=change.new_key, since=at, signatures=change.signatures),
        ]
    return keys or [SigningKey(key=key)]


def is_of_key(root: RootSigned, rotation: SigningKeyRotated | None) -> bool:
    """Tell whether a root is signed with the newest key, which a rotation began."""
    return rotation is None or root.key == rotation.new_key

"""Checks of signed times and numbers, which must be possible values."""

from domain.integrity.events import RootSigned, SigningKeyRotated
from domain.integrity.roots import time_text

# PostgreSQL's largest bigint.
_LARGEST = 2**63 - 1


def is_sound(signed: RootSigned | SigningKeyRotated) -> bool:
    """Tell whether the signed time and the signed numbers are possible values."""
    is_rotation = isinstance(signed, SigningKeyRotated)
    try:
        time_text(signed.rotated_at if is_rotation else signed.signed_at)
    except (OverflowError, ValueError):
        return False
    if is_rotation:
        return True
    gaps = [number for gap in signed.gaps for number in (gap.first, gap.last)]
    numbers = [signed.position, signed.streams, signed.before_position, *gaps]
    return all(0 <= number <= _LARGEST for number in numbers)

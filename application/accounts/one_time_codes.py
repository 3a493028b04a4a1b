"""One-time codes of an authenticator app, and recovery codes, which replace them.

The codes are those of RFC 6238 as all apps make them: SHA-1, six digits, 30 seconds.
"""

import hmac
from hashlib import sha256

from pyotp import random_base32
from pyotp.totp import TOTP

ISSUER = "Goatherd"
RECOVERY_CODES = 10

_STEP_SECONDS = 30
_DIGITS = 6
# A clock may be wrong by one step.
_DRIFT = (0, -1, 1)
# 80 bits: nobody guesses one, so that a quick digest keeps them well.
_RECOVERY_LENGTH = 16
_GROUP = 4


def new_seed() -> str:
    """Return a new secret for an authenticator app, 160 bits in base32."""
    return random_base32()


def app_address(seed: str, email: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    return TOTP(seed).provisioning_uri(name=email, issuer_name=ISSUER)


def matching_step(seed: str, code: str, *, at: float) -> int | None:
    """Return the step of 30 seconds whose code this is, None for a wrong code.

    ``at`` is in seconds since 1970. The steps before and after it count as well.
    """
    digits = "".join(code.split())
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdecimal()):
        return None
    codes, present = TOTP(seed), int(at) // _STEP_SECONDS
    steps = [present + drift for drift in _DRIFT]
    matching = [
        step
        for step in steps
        if hmac.compare_digest(codes.generate_otp(max(step, 0)), digits)
    ]
    return next(iter(matching), None)


def is_one_time_code(code: str) -> bool:
    """Tell whether a text has the form of an app's code, not of a recovery code."""
    return len("".join(code.split())) <= _DIGITS + 2


def new_recovery_codes() -> list[str]:
    """Return ten new codes as they are shown: four groups of four characters."""
    return [_new_recovery_code() for _ in range(RECOVERY_CODES)]


def digest_of_recovery_code(code: str) -> str | None:
    """Return what is stored of a recovery code; None if the code is not valid.

    Blanks, dashes and the case of letters do not matter.
    """
    plain = "".join(code.split()).replace("-", "").upper()
    if len(plain) != _RECOVERY_LENGTH or not plain.isascii():
        return None
    return sha256(plain.encode()).hexdigest()


def _new_recovery_code() -> str:
    text = random_base32(length=32)[:_RECOVERY_LENGTH]
    groups = range(0, _RECOVERY_LENGTH, _GROUP)
    return "-".join(text[start : start + _GROUP] for start in groups)

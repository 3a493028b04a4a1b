"""Security headers of every answer; handlers may choose weaker ones."""

from collections.abc import Sequence

RawHeader = tuple[bytes, bytes]

API_POLICY = "default-src 'none'; frame-ancestors 'none'"

_ALWAYS: tuple[RawHeader, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# A header is added only if the handler did not set its own.
_DEFAULTS: tuple[RawHeader, ...] = (
    (b"content-security-policy", API_POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)
_OVER_TLS: RawHeader = (b"strict-transport-security", b"max-age=31536000")


def security_headers(
    present: Sequence[RawHeader], *, is_tls: bool
) -> tuple[RawHeader, ...]:
    """Return the security headers that an answer with these headers lacks."""
    names = {name for name, _ in present}
    missing = tuple(header for header in _DEFAULTS if header[0] not in names)
    return (*_ALWAYS, *missing, _OVER_TLS) if is_tls else (*_ALWAYS, *missing)

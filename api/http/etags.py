"""ETags made of versions and figures, and the If-Match and If-None-Match headers."""

import hashlib
import re
from typing import Self

import msgspec
from msgspec import Struct

from api.http.errors import ApiError, Code, field_error

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*\Z")
_VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"|W/"(0|[1-9][0-9]{0,17})-[0-9a-f]+"')
_FIGURES_BYTES = 8


def etag(version: int, shown: object = None) -> str:
    """Return the entity tag of a version: strong, unless the data have figures.

    ``FIGURE_FIELDS`` names the fields that change without a new version, by the
    type of ``shown``. With such fields the tag is weak, and a digest of their values
    follows the version.
    """
    fields: tuple[str, ...] = getattr(shown, "FIGURE_FIELDS", ())
    if not fields:
        return f'"{version}"'
    figures = msgspec.json.encode([getattr(shown, field) for field in fields])
    digest = hashlib.blake2b(figures, digest_size=_FIGURES_BYTES).hexdigest()
    return f'W/"{version}-{digest}"'


class ETagCondition(Struct, frozen=True):
    """The value of If-Match or If-None-Match: some tags, or ``*``."""

    tags: frozenset[str]
    is_any: bool = False

    @classmethod
    def parse(cls, header: str, value: bytes) -> Self:
        """Return the value of a header.

        Raises:
            ApiError: ``invalid_params``, if the text is neither ``*`` nor a list of
                tags.
        """
        text = value.decode("latin-1").strip()
        if text == "*":
            return cls(frozenset(), is_any=True)
        if not _TAGS.match(text):
            message = 'must be "<version>", a list of those, or *'
            raise field_error(Code.INVALID_PARAMS, f"/{header}", message)
        return cls(frozenset(re.findall(_TAG, text)))

    @property
    def versions(self) -> frozenset[int]:
        """Return the versions that If-Match names, with or without figures.

        Other weak tags name no version.
        """
        found = (_VERSION.fullmatch(tag) for tag in self.tags)
        return frozenset(int(match[1] or match[2]) for match in found if match)

    def holds(self, version: int) -> bool:
        """Return whether If-Match allows changing this version."""
        return self.is_any or version in self.versions

    def is_current(self, tag: str) -> bool:
        """Return whether If-None-Match says that the client has the current state."""
        opaque = tag.removeprefix("W/")
        return self.is_any or any(
            given.removeprefix("W/") == opaque for given in self.tags
        )

    def require(self, version: int) -> None:
        """Refuse to change a version that the header does not name.

        Raises:
            ApiError: ``version_conflict``, with the present version.
        """
        if not self.holds(version):
            message = f"The version is now {version}; read again and retry."
            meta = {"currentVersion": version}
            raise ApiError(Code.VERSION_CONFLICT, message, meta=meta)

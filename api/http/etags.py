"""ETags made of versions, and the If-Match and If-None-Match headers."""

import re
from typing import Self

from msgspec import Struct

from api.http.errors import ApiError, Code, field_error

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*\Z")
_VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"')


def etag(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{version}"'


class ETagCondition(Struct, frozen=True):
    """The value of If-Match or If-None-Match: some tags, or ``*``."""

    tags: frozenset[str]
    is_any: bool = False

    @classmethod
    def parse(cls, header: str, value: bytes) -> Self:
        """Return the value of a header.

        Raises:
            ApiError: ``invalid_params``, if it is neither ``*`` nor a list of tags.
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
        """Return the versions that If-Match names; weak tags name none."""
        found = (_VERSION.fullmatch(tag) for tag in self.tags)
        return frozenset(int(match[1]) for match in found if match)

    def holds(self, version: int) -> bool:
        """Return whether If-Match allows changing this version; weak tags never do."""
        return self.is_any or etag(version) in self.tags

    def is_current(self, version: int) -> bool:
        """Return whether If-None-Match says that the client has this version."""
        tag = etag(version)
        return self.is_any or tag in self.tags or f"W/{tag}" in self.tags

    def require(self, version: int) -> None:
        """Refuse to change a version that the header does not name.

        Raises:
            ApiError: ``version_conflict``, with the version it has now.
        """
        if not self.holds(version):
            message = f"The version is now {version}; read again and retry."
            meta = {"currentVersion": version}
            raise ApiError(Code.VERSION_CONFLICT, message, meta=meta)

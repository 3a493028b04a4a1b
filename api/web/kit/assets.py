"""Style sheets and scripts of the pages, at addresses that change with them."""

import gzip
import re
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from mimetypes import guess_type
from pathlib import PurePosixPath

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from api.http.request import Request

BASE = "/assets"

_FOR_EVER = "public, max-age=31536000, immutable"
_LEAST_TO_COMPRESS = 512
# Comments, and the margins of lines; in styles the white space around signs, too. No
# text in our scripts goes over several lines, and none in our styles has such a sign.
_FOR_READERS = {
    "css/": re.compile(
        rb"/\*.*?\*/\s*|^[ \t]+|\s+(?=[{}])|(?<=[{};:,])\s+|;(?=\s*\})",
        re.DOTALL | re.MULTILINE,
    ),
    "js/": re.compile(
        rb"^[ \t]*(?://[^\n]*|/\*\*.*?\*/)\n|^[ \t]+", re.DOTALL | re.MULTILINE
    ),
}
# Styles that are always loaded together: as one file they compress a fifth better.
# Every page has the first and the last ones, with its own between them.
_JOINED = {
    "css/first.css": ("css/tokens.css", "css/base.css", "css/parts.css"),
    "css/dashboards.css": ("css/charts.css", "css/overview.css", "css/dashboard.css"),
    "css/creator_list.css": ("css/lists.css", "css/creators.css"),
    "css/last.css": ("css/phone.css", "css/print.css"),
}
# Python 3.11 knows no fonts, and names scripts as the tables of the machine do; without
# such a table, as in a container, they are no text to it.
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2"}


class MissingAssetsError(Exception):
    """The libraries of the pages are missing; ``make setup`` fetches them."""


class Asset(Struct, frozen=True):
    """A file, uncompressed and compressed."""

    content: bytes
    compressed: bytes | None
    media_type: str


class Assets:
    """All files, read once.

    Every address contains one digest of all files, so that a script can import another
    by a relative path.
    """

    def __init__(self, found: Mapping[str, bytes]) -> None:
        digest = sha256()
        for name in sorted(found):
            digest.update(name.encode() + b"\0" + found[name] + b"\0")
        self.digest = digest.hexdigest()[:16]
        self._assets = {name: _asset(name, found[name]) for name in found}

    @classmethod
    def of_the_package(cls) -> "Assets":
        """Return the files of the package.

        Raises:
            MissingAssetsError: the libraries are missing.
        """
        walked = dict(_walk(files("api.web") / "static", ""))
        found = {name: _as_sent(name, walked[name]) for name in walked}
        if not {"vendor/htmx.js", "vendor/inter.woff2"} <= found.keys():
            raise MissingAssetsError(
                "The pages' libraries are missing: run make setup, or "
                "python api/web/frontend/vendor.py."
            )
        for name, parts in _JOINED.items():
            found[name] = b"".join(found[part] for part in parts)
        return cls(found)

    def url(self, name: str) -> str:
        """Return the address of a file.

        Raises:
            KeyError: there is no such file.
        """
        if name not in self._assets:
            raise KeyError(name)
        return f"{BASE}/{self.digest}/{name}"

    def route(self) -> HTTPRouteHandler:
        @get(
            f"{BASE}/{{digest:str}}/{{name:path}}",
            opt={"scope": None},
            include_in_schema=False,
        )
        async def asset(
            request: Request, digest: FromPath[str], name: FromPath[str]
        ) -> Response[bytes]:
            found = self._assets.get(name.removeprefix("/"))
            if found is None or digest != self.digest:
                raise NotFoundException
            headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
            accepted = request.raw_header(b"accept-encoding") or b""
            if found.compressed is None or b"gzip" not in accepted:
                return Response(
                    found.content, media_type=found.media_type, headers=headers
                )
            headers["Content-Encoding"] = "gzip"
            return Response(
                found.compressed, media_type=found.media_type, headers=headers
            )

        return asset


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        else:
            found.append((f"{prefix}{entry.name}", entry.read_bytes()))
    return found


def _as_sent(name: str, content: bytes) -> bytes:
    """Return a file without what only its readers need."""
    # These parts are a sixth of our styles and a tenth of our scripts, also compressed.
    for kind, for_readers in _FOR_READERS.items():
        if name.startswith(kind):
            return for_readers.sub(b"", content)
    return content


def _asset(name: str, content: bytes) -> Asset:
    known = _TYPES.get(PurePosixPath(name).suffix) or guess_type(name)[0]
    media_type = known or "application/octet-stream"
    compressed = None
    is_text = media_type.startswith("text/") or media_type == "image/svg+xml"
    if is_text and len(content) >= _LEAST_TO_COMPRESS:
        # The same bytes on each machine.
        compressed = gzip.compress(content, 9, mtime=0)
    return Asset(content, compressed, media_type)

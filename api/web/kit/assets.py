"""Style sheets and scripts of the pages, at addresses that change with them."""

import gzip
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from mimetypes import guess_type

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from api.http.request import Request

BASE = "/assets"

_FOR_EVER = "public, max-age=31536000, immutable"
_LEAST_TO_COMPRESS = 512


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
        found = dict(_walk(files("api.web") / "static", ""))
        if not {"vendor/htmx.js", "vendor/inter.woff2"} <= found.keys():
            raise MissingAssetsError(
                "The pages' libraries are missing: run make setup, or "
                "python api/web/frontend/vendor.py."
            )
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


def _asset(name: str, content: bytes) -> Asset:
    # Python 3.11 does not know the type of fonts.
    is_font = name.endswith(".woff2")
    guessed = "font/woff2" if is_font else guess_type(name)[0]
    media_type = guessed or "application/octet-stream"
    compressed = None
    is_text = media_type.startswith("text/") or media_type == "image/svg+xml"
    if is_text and len(content) >= _LEAST_TO_COMPRESS:
        # The same bytes on each machine.
        compressed = gzip.compress(content, 9, mtime=0)
    return Asset(content, compressed, media_type)

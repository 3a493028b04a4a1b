"""Drawn pictures of the demo: a goat for each creator, and a meadow for each post."""

from random import Random
from zlib import crc32

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

BASE = "/images/drawn"

_FOR_EVER = "public, max-age=31536000, immutable"
_GROUNDS = ("#cfe3d4", "#d9e4f5", "#f6dfc8", "#e7dbf2", "#f3e6b5", "#d3e8ea", "#f5d6d8")
# The coat, its shade, and the horns.
_COATS = (
    ("#f7f3ea", "#ddd3c0", "#8a7a63"),
    ("#b98a5f", "#96693f", "#4d3a28"),
    ("#6b5647", "#4c3b30", "#d8c7a8"),
    ("#e3c79f", "#c6a473", "#6d5537"),
    ("#9aa0a8", "#767c86", "#3f434a"),
    ("#3f3a3c", "#2a2628", "#b9a98d"),
)
# The sky at its top and bottom, the far and the near meadow, and the sun.
_SKIES = (
    ("#8fc3ea", "#e6f2f7", "#7fae83", "#4f8a5b", "#fff3c4"),
    ("#f3a683", "#fde3c4", "#9c8f6b", "#6b7a4b", "#fff0d0"),
    ("#2f3f66", "#7d86b3", "#46587a", "#2e3d57", "#f2efdc"),
    ("#9fd3d1", "#f4f3df", "#c2b36a", "#8f9a45", "#fffbe0"),
    ("#c6b5e0", "#f8e5e3", "#8c9bb0", "#61798a", "#fff1dc"),
)


class DrawnPictures:
    """The addresses of drawn pictures; without the demo there are none."""

    def __init__(self, *, is_demo: bool) -> None:
        self._is_demo = is_demo

    def address(self, kind: str, name: str) -> str | None:
        """Return the address of the ``goat`` or ``meadow`` that belongs to a name.

        Erased people and their videos have no picture.
        """
        if not self._is_demo or name == "erased" or name.startswith("erased-"):
            return None
        return f"{BASE}/{kind}/{crc32(name.encode())}.svg"

    def route(self) -> HTTPRouteHandler:
        @get(
            f"{BASE}/{{kind:str}}/{{name:str}}",
            opt={"scope": None},
            include_in_schema=False,
        )
        async def drawn(kind: FromPath[str], name: FromPath[str]) -> Response[str]:
            seed = name.removesuffix(".svg")
            if not self._is_demo or kind not in _DRAW or not seed.isdecimal():
                raise NotFoundException
            return Response(
                _DRAW[kind](Random(int(seed[:10]))),  # noqa: S311 - no secret
                media_type="image/svg+xml",
                headers={"Cache-Control": _FOR_EVER},
            )

        return drawn


def _goat(dice: Random) -> str:
    ground = dice.choice(_GROUNDS)
    coat, shade, horns = dice.choice(_COATS)
    spread, reach = dice.randint(4, 10), dice.randint(4, 11)
    patch = dice.random() < 0.4
    beard = dice.randint(5, 11)
    tilt = dice.randint(-7, 7)
    sides = "".join(
        f'<g transform="matrix({side} 0 0 1 32 0)">'
        f'<path d="M4 22Q{5 + spread} {18 - reach} {12 + spread} {15 - reach // 2}'
        f'Q{8 + spread} 20 10 26z" fill="{horns}"/>'
        f'<path d="M11 28Q24 23 26 31Q19 36 11 33z" fill="{shade}"/></g>'
        for side in (-1, 1)
    )
    eyes = "".join(
        f'<ellipse cx="{x}" cy="33" rx="3" ry="2.4" fill="#f2d27a"/>'
        f'<rect x="{x - 1.8}" y="32.3" width="3.6" height="1.4" rx=".7" fill="#222"/>'
        for x in (25.5, 38.5)
    )
    blaze = f'<path d="M29 22h6l2 18h-10z" fill="{coat}"/>' if patch else ""
    face = shade if patch else coat
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<path fill="{ground}" d="M0 0h64v64H0z"/><g transform="rotate({tilt} 32 40)">'
        f'<path d="M16 64Q18 50 32 50T48 64z" fill="{shade}"/>{sides}'
        f'<path d="M28 52L32 {54 + beard}L36 52z" fill="{shade}"/>'
        f'<path d="M20 28Q22 19 32 19T44 28Q43 42 38 50Q32 56 26 50Q21 42 20 28z"'
        f' fill="{face}"/>{blaze}{eyes}'
        f'<path d="M27 46Q32 43 37 46Q36 52 32 52T27 46z" fill="{shade}"/>'
        '<path d="M29.5 46.5l1 1.6M34.5 46.5l-1 1.6M32 48.5v2" stroke="#3a2f2a"'
        ' stroke-width="1.1" stroke-linecap="round" fill="none"/></g></svg>'
    )


def _meadow(dice: Random) -> str:
    """Return a goat on a hill, upright as a post is."""
    top, bottom, far, near, sun = dice.choice(_SKIES)
    coat, shade, horns = dice.choice(_COATS)
    crest, x = dice.randint(66, 84), dice.randint(18, 50)
    size, side = dice.randint(11, 17) / 10, dice.choice((-1, 1))
    ridge = dice.randint(40, 62)
    goat = (
        f'<g transform="translate({x + 9} {crest - 6}) scale({side * size} {size})">'
        f'<path d="M-9-7h15v11h-2.6v-5h-7v5H-9z" fill="{coat}"/>'
        f'<path d="M4-13h6l3 4-4 3H4z" fill="{coat}"/>'
        f'<path d="M5-13Q3-19-1-18Q3-17 3-12z" fill="{horns}"/>'
        f'<path d="M9-6l1 4 2-4z" fill="{shade}"/></g>'
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 120">'
        '<linearGradient id="s" x2="0" y2="1">'
        f'<stop stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/>'
        '</linearGradient><path fill="url(#s)" d="M0 0h90v120H0z"/>'
        f'<circle cx="{dice.randint(14, 76)}" cy="{dice.randint(14, 36)}"'
        f' r="{dice.randint(6, 11)}" fill="{sun}"/>'
        f'<path d="M0 {ridge + 20}L{dice.randint(14, 30)} {ridge}L45 {ridge + 24}'
        f'L{dice.randint(58, 76)} {ridge - 8}L90 {ridge + 16}V120H0z" fill="{far}"/>'
        f'<path d="M0 {crest + 14}Q{x} {crest - 14} 90 {crest + 10}V120H0z"'
        f' fill="{near}"/>{goat}</svg>'
    )


_DRAW = {"goat": _goat, "meadow": _meadow}

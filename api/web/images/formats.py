"""The formats of pictures that are passed on, known by their first bytes."""

from domain.organization.logo import logo_type_of

_GIF = (b"GIF87a", b"GIF89a")
_AVIF = {b"ftypavif", b"ftypavis"}
_BOX = slice(4, 12)


def format_of(content: bytes) -> str | None:
    """Return the media type of a bitmap picture; None for anything else.

    The type that the server sends is ignored. SVG is a document, which can hold
    scripts.
    """
    if content.startswith(_GIF):
        return "image/gif"
    if content[_BOX] in _AVIF:
        return "image/avif"
    return logo_type_of(content)

"""The formats of pictures that are passed on, known by their first bytes."""

_BY_START = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_BOX = slice(4, 12)


def format_of(content: bytes) -> str | None:
    """Return the media type of a bitmap picture; None for anything else.

    The type that the server sends is ignored. SVG is a document, which can hold
    scripts.
    """
    for start, media_type in _BY_START:
        if content.startswith(start):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[_BOX] in {b"ftypavif", b"ftypavis"}:
        return "image/avif"
    return None

"""A CSV file as the answer of a page."""

from litestar import Response


def csv_file(content: bytes, *, disposition: str) -> Response[bytes]:
    """Return the file; ``disposition`` is the header that names it."""
    headers = {"Content-Disposition": disposition}
    return Response(content, media_type="text/csv", headers=headers)

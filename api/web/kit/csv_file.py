"""A CSV file as the answer of a page."""

from codecs import BOM_UTF8

from litestar import Response


def csv_file(content: bytes, *, disposition: str) -> Response[bytes]:
    """Return the file; ``disposition`` is the header that names it.

    The type says that the file is UTF-8, because spreadsheets otherwise assume another
    encoding.
    """
    headers = {"Content-Disposition": disposition}
    return Response(BOM_UTF8 + content, media_type="text/csv", headers=headers)

"""A CSV file as the answer of a page."""

from codecs import BOM_UTF8

from litestar import Response


def csv_file(content: bytes, *, disposition: str) -> Response[bytes]:
    """Return the file; ``disposition`` is the header that names it.

    It says that it is UTF-8: spreadsheets take it for something else otherwise.
    """
    headers = {"Content-Disposition": disposition}
    return Response(BOM_UTF8 + content, media_type="text/csv", headers=headers)

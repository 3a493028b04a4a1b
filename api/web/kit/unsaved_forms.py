"""What somebody typed into a form that was not carried out, to be shown again."""

from collections.abc import Iterator
from uuid import uuid4

from msgspec import Struct

from api.http.form_body import CSRF, IDEMPOTENCY_KEY
from api.http.request import Request

_MOST_ROWS = 18


class TypedText(Struct, frozen=True, kw_only=True):
    """One text, and what it is called on the page; ``rows`` are its lines or so."""

    name: str
    label: str
    text: str
    rows: int


class UnsavedForm(Struct, frozen=True, kw_only=True):
    """A form as it was sent.

    ``carried`` is all of it that nobody typed, by name. ``send_to`` is the address that
    a button sends it to again, None if it may only be read. Nothing but that button
    sends it: who made a form is not known until somebody has looked at it here.
    """

    texts: list[TypedText]
    hidden_fields: list[tuple[str, str]]
    send_to: str | None = None


def unsaved_form(request: Request, *, csrf: str | None) -> UnsavedForm | None:
    """Return the form that was sent, None if nothing was typed into it.

    It may be sent again if ``csrf`` is given, with that for a token if it is one.
    """
    form = request.context.form
    # What there is no route for was not read, and has no events.
    reader = None if form is None else request.route_info.form
    if form is None or reader is None:
        return None
    sent = [*_pairs(form.fields)]
    texts = [
        TypedText(name=name, label=reader.labels[name], text=text, rows=_rows(text))
        for name, text in sent
        if name in reader.labels and text
    ]
    if not texts:
        return None
    shown = {text.name for text in texts}
    hidden_fields = [(name, value) for name, value in sent if name not in shown]
    if csrf:
        # Sent twice it is done once, whichever of its two pages sent it.
        hidden_fields += [
            (CSRF, csrf),
            (IDEMPOTENCY_KEY, form.idempotency_key or uuid4().hex),
        ]
    elif form.idempotency_key:
        hidden_fields.append((IDEMPOTENCY_KEY, form.idempotency_key))
    path = None if csrf is None else request.scope["path"]
    return UnsavedForm(texts=texts, hidden_fields=hidden_fields, send_to=path)


def _pairs(fields: Struct) -> Iterator[tuple[str, str]]:
    for name in fields.__struct_fields__:
        value = getattr(fields, name)
        if isinstance(value, bool):
            if value:
                yield name, "on"
        elif isinstance(value, str):
            yield name, value
        elif value is not None:
            for one in value:
                yield name, one


def _rows(text: str) -> int:
    return min(text.count("\n") + 1, _MOST_ROWS)

"""The text of a refused form, to be shown and sent again."""

from collections.abc import Iterator
from uuid import uuid4

from msgspec import Struct

from api.http.bodies.form_body import CSRF, IDEMPOTENCY_KEY
from api.http.request import Request

_MOST_ROWS = 18


class TypedText(Struct, frozen=True, kw_only=True):
    """A text with its label on the page; ``rows`` is the height of its field."""

    name: str
    label: str
    text: str
    rows: int


class UnsavedForm(Struct, frozen=True, kw_only=True):
    """A form as it was sent.

    ``hidden_fields`` are the fields that nobody typed. ``send_to`` is the address that
    a button sends the form to again, None if the form may only be read. The form is
    never sent again without its user, because it may come from another site, so the
    user must see it first.
    """

    texts: list[TypedText]
    hidden_fields: list[tuple[str, str]]
    send_to: str | None = None


def unsaved_form(request: Request, *, csrf: str | None) -> UnsavedForm | None:
    """Return the form that was sent; None if it has no typed text.

    If ``csrf`` is not None the form can be sent again, with that token unless it is
    empty.
    """
    form = request.context.form
    # Without a route the form was not read.
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
        # Both pages have the same key, so that the form is executed once, whichever
        # page sends it.
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

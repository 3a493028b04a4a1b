from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.errors import ApiError, Code
from api.http.reading import cursors

SECRET = "s" * 32
ADA = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40")
HERS = UUID(int=1)
FILTERS: dict[str, Any] = {"list": "creators", "search": "ada", "project_id": ADA}
Key = tuple[datetime, UUID]

KEYS = st.tuples(
    st.datetimes(timezones=st.just(UTC)),
    st.text(),
    st.none() | st.integers(0, 2**63 - 1),
    st.uuids(),
)
FILTER_SETS = st.dictionaries(
    st.text(max_size=5), st.none() | st.text(max_size=5) | st.integers(), max_size=3
)


def make(
    after: object = (datetime(2026, 11, 24, tzinfo=UTC), ADA),
    *,
    secret: str = SECRET,
    organization_id: UUID = HERS,
    filters: dict[str, Any] = FILTERS,
) -> str:
    return cursors.encode(
        secret, organization_id=organization_id, filters=filters, after=after
    )


def read(
    cursor: str, *, organization_id: UUID = HERS, filters: dict[str, Any] = FILTERS
) -> Key:
    return cursors.decode(
        SECRET, cursor, organization_id=organization_id, filters=filters, after=Key
    )


def test_a_cursor_leads_back_to_where_it_was_made():
    after = (datetime(2026, 11, 24, 14, 30, 0, 123456, tzinfo=UTC), ADA)

    cursor = make(after)

    assert read(cursor) == after
    assert "=" not in cursor


def test_the_order_in_which_filters_are_named_does_not_matter():
    cursor = make(filters=dict(reversed(FILTERS.items())))

    assert read(cursor)[1] == ADA


@pytest.mark.parametrize(
    "cursor",
    (
        make(secret="t" * 32),
        make(organization_id=UUID(int=2)),
        make(filters={**FILTERS, "search": "bob"}),
        make(filters={**FILTERS, "list": "videos"}),
        make(filters={**FILTERS, "more": None}),
        make(("2026", "not a uuid")),
        make(7),
        "",
        "x",
        "AAAA",
        "A" * 64,
        "A" * 2000,
        "ä",
        "a b",
        make() + "=",
        make() + "\n",
        make()[:-1],
        make() + "A",
        make().replace("-", "+").replace("_", "/") + "+",
    ),
)
def test_whatever_was_not_made_for_this_list_is_refused(cursor: str):
    with pytest.raises(ApiError) as refused:
        read(cursor)

    assert refused.value.code is Code.INVALID_CURSOR


@pytest.mark.parametrize("text", ("a", "aa", "aaa"))
def test_a_cursor_has_one_spelling(text: str):
    key = tuple[str, UUID]
    cursor = make((text, ADA))
    spellings = {
        cursor[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-0123456789"
    }

    accepted: list[str] = []
    for spelling in spellings | {cursor}:
        with suppress(ApiError):
            cursors.decode(
                SECRET, spelling, organization_id=HERS, filters=FILTERS, after=key
            )
            accepted.append(spelling)

    assert accepted == [cursor]


def test_a_cursor_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cursors, "_VERSION", b"\x02")
    newer = make()
    monkeypatch.undo()

    with pytest.raises(ApiError):
        read(newer)


@given(after=KEYS, filters=FILTER_SETS, organization=st.uuids())
def test_every_key_comes_back_as_it_was(
    after: tuple[datetime, str, int | None, UUID],
    filters: dict[str, Any],
    organization: UUID,
):
    cursor = make(after, organization_id=organization, filters=filters)

    found = cursors.decode(
        SECRET,
        cursor,
        organization_id=organization,
        filters=filters,
        after=tuple[datetime, str, int | None, UUID],
    )

    assert found == after


@given(place=st.integers(min_value=0), change=st.integers(1, 255))
def test_a_cursor_in_which_anything_was_changed_is_refused(place: int, change: int):
    cursor = make()
    signed = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    signed[place % len(signed)] ^= change

    with pytest.raises(ApiError):
        read(urlsafe_b64encode(signed).rstrip(b"=").decode())


@given(first=FILTER_SETS, second=FILTER_SETS)
def test_a_cursor_only_fits_its_own_filters(
    first: dict[str, Any], second: dict[str, Any]
):
    cursor = make(filters=first)

    if first == second:
        assert read(cursor, filters=second)[1] == ADA
        return
    with pytest.raises(ApiError):
        read(cursor, filters=second)


@given(cursor=st.text(max_size=200))
def test_no_text_at_all_does_more_than_be_refused(cursor: str):
    with pytest.raises(ApiError):
        read(cursor)

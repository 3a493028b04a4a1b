"""Tags: given a text, then its tags or the reason why it has none."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidTagError
from domain.tags import MAX_TAG_LENGTH, MAX_TAGS, read_tags, tag_key

WRITTEN = st.lists(st.text(max_size=50), max_size=25)


@pytest.mark.parametrize(
    ("written", "tags"),
    (
        ([], []),
        ([" Spring ", "tier A"], ["Spring", "tier A"]),
        (["Spring", "SPRING", "spring "], ["Spring"]),
        (["Straße", "STRASSE"], ["Straße"]),
        (["Cafe\u0301", "caf\u00e9"], ["Caf\u00e9"]),
        (["👩\u200d🌾"], ["👩\u200d🌾"]),
        (["x" * MAX_TAG_LENGTH], ["x" * MAX_TAG_LENGTH]),
        ([f"t{n}" for n in range(20)], [f"t{n}" for n in range(20)]),
        # One of the 21 is another one again.
        ([*(f"t{n}" for n in range(20)), "T0"], [f"t{n}" for n in range(20)]),
    ),
)
def test_tags_are_trimmed_and_each_is_there_once(written: list[str], tags: list[str]):
    assert read_tags(written) == tags


@pytest.mark.parametrize(
    ("written", "reason"),
    (
        ([""], "only blanks"),
        (["a", " \t"], "only blanks"),
        (["\u200b"], "only blanks"),
        (["x" * (MAX_TAG_LENGTH + 1)], "longer than 40 characters"),
        (["a,b"], "comma"),
        (["a\nb"], "control character"),
        (["a\u2028b"], "control character"),
        ([f"t{n}" for n in range(21)], "at most 20 tags, not 21"),
    ),
)
def test_what_is_no_tag_is_refused_with_the_reason(written: list[str], reason: str):
    with pytest.raises(InvalidTagError) as refused:
        read_tags(written)

    assert refused.value.field == "tags"
    assert reason in refused.value.reason


@given(WRITTEN)
def test_what_was_read_is_read_again_as_it_is(written: list[str]):
    try:
        tags = read_tags(written)
    except InvalidTagError:
        return

    assert read_tags(tags) == tags
    assert len(tags) <= MAX_TAGS
    assert len({tag_key(tag) for tag in tags}) == len(tags)
    assert {tag_key(tag) for tag in tags} == {tag_key(text) for text in written}
    for tag in tags:
        assert 1 <= len(tag) <= MAX_TAG_LENGTH
        assert tag == tag.strip()
        assert "," not in tag
        # Nothing was made up: each tag is in what was written.
        assert any(
            unicodedata.normalize("NFC", text.strip()) == tag for text in written
        )

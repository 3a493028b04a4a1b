"""Any two texts compared line by line."""

from hypothesis import given
from hypothesis import strategies as st

from api.web.kit.forms.line_diff import line_diff

TEXTS = st.lists(st.sampled_from(["", "a", "b", "c d"]), max_size=30).map("\n".join)


def lines_of(before: str, after: str) -> list[str]:
    marks = {"same": " ", "gone": "-", "new": "+", "left_out": "~"}
    return [f"{marks[line.what]}{line.text}" for line in line_diff(before, after)]


@given(TEXTS, TEXTS)
def test_what_went_and_what_came_lead_from_one_text_to_the_other(
    before: str, after: str
):
    lines = line_diff(before, after)

    old = [line.text for line in lines if line.what in {"same", "gone"}]
    new = [line.text for line in lines if line.what in {"same", "new"}]
    left_out = sum(int(n.text.split()[0]) for n in lines if n.what == "left_out")
    assert len(old) + left_out == len(before.split("\n") if before else [])
    assert len(new) + left_out == len(after.split("\n") if after else [])
    if not left_out:
        assert ("\n".join(old), "\n".join(new)) == (before, after)


def test_lines_far_from_a_change_are_left_out():
    before = "\n".join("abcdefgh")

    assert lines_of(before, before.replace("b", "B")) == [
        *(" a", "-b", "+B", " c", " d", " e"),
        "~3 lines the same",
    ]


def test_long_texts_are_replaced_as_a_whole_between_what_is_alike():
    before = "\n".join(["top", *(f"old {n}" for n in range(500)), "end"])
    after = "\n".join(["top", *(f"new {n}" for n in range(500)), "end"])

    lines = lines_of(before, after)

    assert lines[0] == " top"
    assert lines[1:501] == [f"-old {n}" for n in range(500)]
    assert lines[501:1001] == [f"+new {n}" for n in range(500)]
    assert lines[1001:] == [" end"]

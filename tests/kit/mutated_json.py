"""JSON of a shape that a provider knows, with some of its values gone or replaced."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

NUMBERS = st.one_of(
    st.integers(),
    st.integers().map(str),
    st.integers(-(2**63) - 2, -(2**63) + 2),
    st.integers(2**63 - 2, 2**64 + 2).flatmap(lambda n: st.sampled_from((n, str(n)))),
    st.from_regex(r"[0-9]{1,5}([.,][0-9]{0,4})? ?[KMBkmbT]", fullmatch=True),
    st.sampled_from((0, "0", -0.0, 1e300, -1_720_410_671)),
    # Status codes of TikTok's pages for an account or a video.
    st.sampled_from((10000, 10101, 10201, 10202, 10221, 10222, 10223)),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), NUMBERS, st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=8), inner, max_size=3),
    ),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn, *trees: Any) -> Any:  # noqa: ANN401
    """One of the trees with some values gone, and others in their places."""
    tree = deepcopy(draw(st.sampled_from(trees)))
    for _ in range(draw(st.integers(1, 4))):
        ways = list(_places(tree))
        if not ways:
            break
        *way, last = draw(st.sampled_from(ways))
        holder = tree
        for step in way:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = draw(VALUES)
        else:
            del holder[last]
    return tree


def _places(tree: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value of a JSON tree."""
    steps: Any = ()
    if isinstance(tree, dict):
        steps = tree.items()
    elif isinstance(tree, list):
        steps = enumerate(tree)
    for step, inner in steps:
        yield (*path, step)
        yield from _places(inner, (*path, step))

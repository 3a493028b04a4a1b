"""The check of roots: whether the log still matches each of them."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from domain.integrity.chains import CheckedRange, Misfit, Positions, all_gaps, without
from domain.integrity.events import RootSigned
from domain.integrity.merkle import MerkleTree
from domain.integrity.roots import (
    MOST_GAPS,
    PublicRoot,
    events_hash,
    is_over,
    leaf_of,
    signed_text,
    text_hash,
)
from domain.integrity.signing_keys import IsSigned, KeyTimes


class RecordedRoot(msgspec.Struct, frozen=True):
    """A root as found in the log, with the position of its own event."""

    at: int
    root: RootSigned


def check_signatures(
    every: Sequence[RecordedRoot],
    *,
    first: int,
    keys: KeyTimes,
    is_signed: IsSigned,
) -> list[Misfit]:
    """Check that roots are signed, and that each one contains all roots before it.

    Roots before the one with the index ``first`` are not checked themselves.
    """
    misfits: list[Misfit] = []
    tree = MerkleTree()
    before = None
    for index, each in enumerate(every):
        root, roots_before = each.root, tree.root_hash().hex()
        tree.add(leaf_of(root))
        if index < first:
            before = root
            continue
        why = _wrong_signature(root, [keys.at(each.at)], is_signed)
        if why is not None:
            misfits.append(Misfit(position=each.at, how="signature", text=why))
        if (root.before, root.before_position) != _name_of(before):
            misfits.append(
                Misfit(
                    position=each.at,
                    how="root",
                    text="It names another root than the one before it: a root was "
                    "changed, removed or inserted.",
                )
            )
        elif not root.before_position <= root.position < each.at:
            text = (
                "Its position is impossible: before the last root's or after its own."
            )
            misfits.append(Misfit(position=each.at, how="root", text=text))
        elif root.roots is None:
            if before is not None and before.roots is not None:
                text = (
                    "It has no hash of the roots before it, although the last root has."
                )
                misfits.append(Misfit(position=each.at, how="root", text=text))
        elif (root.size, root.roots) != (index, roots_before):
            text = "Its hash does not match the roots before it."
            misfits.append(Misfit(position=each.at, how="root", text=text))
        before = root
    return misfits


def check_contents(
    roots: Sequence[tuple[RootSigned, MerkleTree]],
    ranges: Sequence[CheckedRange],
    *,
    after: int,
    known: Collection[str],
) -> list[Misfit]:
    """Check that the log up to each root matches that root.

    Each root comes with the tree over the heads at its position. ``ranges`` are in
    order and hold all events after the position ``after``. The part of the log that a
    root adds may not begin before that position. ``ranges`` end where roots of the log
    do, whose hashes are ``known``; for another root the order of events is not
    compared.
    """
    misfits: list[Misfit] = []
    last = max((root.position for root, _ in roots), default=after)
    gaps = all_gaps(ranges, after + 1, last)
    orphans = [m.position for one in ranges for m in one.misfits if m.how == "removed"]
    for root, tree in roots:
        part = (root.before_position + 1, root.position)
        inside = [each for each in ranges if part[0] <= each.first <= part[1]]
        found = [
            (max(a, part[0]), min(b, part[1]))
            for a, b in gaps
            if a <= part[1] and b >= part[0]
        ]
        by_gaps = _check_gaps(root, found, orphans)
        misfits += by_gaps
        is_same = is_over(root, tree)
        if not is_same:
            text = (
                f"The streams as of position {root.position} are not those of the root "
                "that was signed there."
            )
            misfits.append(Misfit(position=root.position, how="changed", text=text))
        blocks = (block for each in inside for block in each.blocks)
        is_known = text_hash(root) in known
        if is_known and not by_gaps and events_hash(blocks) != root.events:
            misfits.append(_not_the_events(root, is_same_tree=is_same))
    return misfits


def check_kept(
    kept: RootSigned | PublicRoot,
    known: Collection[str],
    *,
    head: int,
    keys: KeyTimes,
    is_signed: IsSigned,
) -> list[Misfit]:
    """Check that a root from outside is still in the log.

    ``known`` has the hashes of all roots in the log, and ``head`` is the log's end.
    """
    position = kept.position if isinstance(kept, RootSigned) else head
    why = _wrong_signature(kept, keys.keys, is_signed)
    if why is not None:
        text = f"The kept root is not valid: {why}"
        return [Misfit(position=position, how="signature", text=text)]
    if text_hash(kept) in known:
        return []
    public = PublicRoot.of(kept) if isinstance(kept, RootSigned) else kept
    text = (
        f"The root of {public.signed_at} that was kept is not in the log: "
        "history was signed anew, or the end of the log was cut off."
    )
    return [Misfit(position=position, how="root", text=text)]


def in_order(misfits: Iterable[Misfit]) -> list[Misfit]:
    """Return misfits in order of position, without those that follow from others."""
    found = list(misfits)
    inserted = {each.position for each in found if each.how == "inserted"}
    kept = {
        (each.position, each.how, each.text): each
        for each in found
        if each.position not in inserted or each.how == "inserted"
    }
    return sorted(kept.values(), key=lambda each: each.position)


def _name_of(root: RootSigned | None) -> tuple[str | None, int]:
    return (None, 0) if root is None else (text_hash(root), root.position)


def _wrong_signature(
    root: RootSigned | PublicRoot, keys: Collection[str], is_signed: IsSigned
) -> str | None:
    if not is_signed(signed_text(root), root.signature, root.key):
        return "Its signature does not match its text."
    if root.key not in keys:
        return "Another key than the installation's key at that time signed it."
    return None


def _check_gaps(
    root: RootSigned, found: Sequence[Positions], orphans: Sequence[int]
) -> list[Misfit]:
    signed = [(gap.first, gap.last) for gap in root.gaps]
    if len(signed) >= MOST_GAPS:
        # A root names no more gaps than these.
        end = signed[-1][1]
        found = [(a, min(b, end)) for a, b in found if a <= end]
    misfits = [
        Misfit(
            position=a,
            how="removed" if any(a < each for each in orphans) else "cut off",
            text=f"{_named(a, b)} gone.",
        )
        for a, b in without(found, signed)
    ]
    for a, b in without(signed, found):
        text = f"{_named(a, b)} not there when the root was signed."
        misfits.append(Misfit(position=a, how="inserted", text=text))
    return misfits


def _named(first: int, last: int) -> str:
    if first == last:
        return f"The event at position {first} is"
    return f"The events at the positions {first} to {last} are"


def _not_the_events(root: RootSigned, *, is_same_tree: bool) -> Misfit:
    where = f"between the positions {root.before_position} and {root.position}"
    if is_same_tree:
        text = f"Events {where} have another order than when the root was signed."
    else:
        text = f"Events {where} were changed, and their chains computed anew."
    how = "reordered" if is_same_tree else "changed"
    return Misfit(position=root.position, how=how, text=text)

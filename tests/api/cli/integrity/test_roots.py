"""``goatherd roots``: what it makes and lists."""

import msgspec

from domain.integrity.events import RootSigned
from domain.integrity.roots import text_hash
from domain.streams import INSTALLATION
from infra.eventstore.store import Store
from tests.kit.builders import ADA, asking, events_for
from tests.kit.command_line import CommandLine


def test_a_root_is_made_printed_and_listed(cli: CommandLine, store: Store):
    store.append(events_for(ADA, "a"), context=asking())

    made = cli("roots", "make", "--json")
    text = cli("roots", "make")
    listed = cli("roots", "list", "--json")
    table = cli("roots", "list")

    roots = msgspec.json.decode(listed.out, type=list[RootSigned])
    assert [
        recorded.event for recorded in store.load(INSTALLATION)[INSTALLATION]
    ] == roots
    assert msgspec.json.decode(made.out, type=RootSigned) == roots[0]
    assert text.out.splitlines() == [
        "Signed a root of 2 streams at position 2:",
        text_hash(roots[1]),
    ]
    assert [text_hash(root) in table.out for root in roots] == [True, True]
    assert (made.status, text.status, listed.status, table.status) == (0, 0, 0, 0)

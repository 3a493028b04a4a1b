"""``goatherd audit``: what happened to organizations, as a table and as JSON."""

from datetime import UTC, datetime

from infra.eventstore.store import Store
from projections.audit import Audit
from projections.engine.follower import Follower
from projections.projects import Projects
from tests.kit.command_line import CommandLine


def follow(store: Store) -> None:
    for projection in (Audit(), Projects()):
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def test_the_audit_is_listed_newest_first_and_by_event(cli: CommandLine, store: Store):
    for name in ("Herd", "Others"):
        cli("orgs", "create", name, "--json")
    follow(store)

    shown = cli("audit", "--org", "Herd", "--json").document
    table = cli("audit", "--event", "organization_created").out
    nobody = cli("audit", "--actor", "key:nobody", "--json").document
    earlier = cli("audit", "--to", "2020-01-01", "--json").document
    today = datetime.now(UTC).date().isoformat()
    within = ("--from", today, "--to", today, "--limit", "100")
    everything = cli("audit", *within, "--json").document
    one = cli("audit", "--limit", "1", "--json").document
    refused = cli("audit", "--event", "sneezed")

    positions = [row["position"] for row in shown]
    assert positions == sorted(positions, reverse=True)
    assert shown[-1]["event"] == "organization_created"
    assert shown[-1]["summary"].startswith('Organization "Herd" created')
    assert "digest" not in str(shown)
    # Other organizations have rows of their own.
    assert "Others" not in str(shown)
    assert len(everything) > len(shown)
    assert 'Organization "Others" created' in table
    assert "Key " not in table
    assert nobody == earlier == []
    assert len(one) == 1
    assert "There is no event 'sneezed' in an audit" in refused.complaint

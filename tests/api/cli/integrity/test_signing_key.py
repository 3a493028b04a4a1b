"""``goatherd keys rotate-signing``: another key, while other processes run."""

from pathlib import Path

from application.integrity.signing import InstallationSigner
from infra.eventstore.store import Store
from infra.settings import Settings
from tests.kit.builders import ADA, asking, events_for
from tests.kit.command_line import CommandLine
from tests.kit.keys import MASTER_KEY_TEXT


def test_the_command_line_changes_the_key_while_others_use_it(
    cli: CommandLine, store: Store, tmp_path: Path
):
    store.append(events_for(ADA, "a"), context=asking())
    signer = InstallationSigner(store.pool, Settings(master_key=MASTER_KEY_TEXT))
    old = signer.open()
    kept = tmp_path / "root.json"
    kept.write_text(cli("roots", "make", "--json").out)

    done = cli("keys", "rotate-signing", "--json").document
    again = cli("keys", "rotate-signing")

    assert done["old_key"] == old.key
    assert again.status == 0
    assert f"Signatures by {done['new_key']} stay valid. Earlier backups" in again.out
    assert signer.open().key not in {old.key, done["new_key"]}
    newest = cli("roots", "list", "--json").document[-1]
    assert newest["key"] == signer.open().key
    assert cli("verify", "--against", str(kept)).status == 0

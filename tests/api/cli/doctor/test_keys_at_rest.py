"""A lost or wrong master key is found while nothing runs, before Goatherd starts."""

from pathlib import Path

import msgspec

from infra.eventstore.store import Store
from infra.keys.master_key import new_master_key
from tests.kit.builders import make_home
from tests.kit.command_line import CommandLine


def test_a_master_key_that_is_lost_or_wrong_is_found_with_nothing_running(
    cli: CommandLine, store: Store, tmp_path: Path
):
    make_home(store).creator("goat.ada")
    data = tmp_path / "data"
    data.mkdir()
    cli.set(data_dir=data)
    said: list[str] = []
    for text in (None, "garbage", new_master_key()):
        cli.set(master_key="")
        path = data / "master-key"
        if text is not None:
            path.write_text(text)
        found = msgspec.json.decode(cli("doctor", "--at-rest", "--json").out)[
            "findings"
        ]
        (keys,) = [each for each in found if each["check"] == "keys"]
        assert keys["state"] == "wrong"
        assert "Restore the right master key" in keys["advice"]
        said.append(keys["text"])
        assert cli("verify").status == 2

    assert "the master key is not there" in said[0]
    assert "does not hold a master key" in said[1]
    assert "not the one that this database was used with" in said[2]

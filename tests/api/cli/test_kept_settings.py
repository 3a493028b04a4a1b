"""The settings of a running `goatherd up`: what is kept, and who uses it."""

from pathlib import Path

import pytest

from api.cli.kit.kept_settings import keep_settings
from api.cli.kit.options import own_settings, read_settings
from infra.embedded.data_dir import settings_path
from infra.settings import Settings
from tests.kit.command_line import CommandLine

EMBEDDED = {
    "GOATHERD_DATABASE_URL": "postgresql:///goatherd?host=/srv/goats",
    "GOATHERD_REDIS_URL": "unix:///srv/goats/valkey.sock",
    "GOATHERD_PROVIDERS": "replay",
    "GOATHERD_TIKTOK_BASE_URL": "https://goats.example",
    "GOATHERD_PORT": "9000",
    "GOATHERD_KEY": "tga_of_another_installation",
    "PATH": "/bin",
}


@pytest.mark.usefixtures("command_line")
def test_commands_find_embedded_servers_by_themselves(tmp_path: Path):
    keep_settings(Settings(data_dir=tmp_path), EMBEDDED)

    read = read_settings(data_dir=tmp_path)

    assert (read.database_url, read.redis_url) == (None, None)
    assert (read.providers, read.port) == (("replay",), 9000)
    assert read.data_dir == tmp_path
    assert "PATH" not in settings_path(tmp_path).read_text()
    assert read.key is None
    assert own_settings(data_dir=tmp_path) == Settings(data_dir=tmp_path)


def test_the_environment_wins_under_each_name_of_a_setting(
    command_line: CommandLine, tmp_path: Path
):
    keep_settings(Settings(data_dir=tmp_path), EMBEDDED)
    command_line.set(web_base_url="https://kids.example", provider="web", port="")

    read = read_settings(data_dir=tmp_path)

    assert read.web_base_url == "https://kids.example"
    assert (read.providers, read.port) == (("web",), 9000)


def test_servers_that_were_given_are_kept_for_commands_on_the_same_ones(
    command_line: CommandLine, tmp_path: Path
):
    command_line.set(database_url="postgresql://db/goats", providers=None)
    keep_settings(Settings(data_dir=tmp_path), EMBEDDED)

    same = EMBEDDED["GOATHERD_DATABASE_URL"]
    command_line.set(database_url=same, providers=None)
    assert read_settings(data_dir=tmp_path).providers == ("replay",)

    command_line.set(database_url="postgresql://db/kids", providers=None)
    assert read_settings(data_dir=tmp_path) == own_settings(data_dir=tmp_path)
    assert read_settings(data_dir=tmp_path).providers == ()


def test_a_file_that_is_something_else_is_named(
    command_line: CommandLine, tmp_path: Path
):
    settings_path(tmp_path).write_text("goats")

    outcome = command_line("roots", "list", "--data-dir", str(tmp_path))

    assert outcome.status == 1
    assert f"The settings in {settings_path(tmp_path)} cannot be read" in outcome.err

"""The options that several commands share, and the settings that they change."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators
from msgspec.structs import replace

from api.cli.kit.kept_settings import kept_settings
from infra.embedded.data_dir import address_path
from infra.settings import Settings

DataDir = Annotated[
    Path | None,
    Parameter(
        "--data-dir",
        help="The data directory of `goatherd up`. Its database is used if it runs and "
        "GOATHERD_DATABASE_URL is not set.",
    ),
]
Json = Annotated[
    bool,
    Parameter(
        "--json",
        negative="",
        show_default=False,
        help="Print one JSON document instead of text for people.",
    ),
]
Ids = Annotated[
    bool,
    Parameter(
        "--ids", negative="", show_default=False, help="Show ids in further columns."
    ),
]
Host = Annotated[
    str | None, Parameter("--host", help="The address to listen on (GOATHERD_HOST).")
]
Port = Annotated[
    int | None,
    Parameter(
        "--port",
        validator=validators.Number(gte=1, lte=65_535),
        help="The port to listen on (GOATHERD_PORT).",
    ),
]
ListenerOption = Annotated[
    int | None,
    Parameter(
        "--fd",
        show_default=False,
        help="The file descriptor of a listening socket that the parent process made, "
        "in place of host and port.",
    ),
]


def own_settings(
    *,
    data_dir: Path | None = None,
    host: str | None = None,
    port: int | None = None,
) -> Settings:
    """Return the environment's settings, some of them replaced by the options.

    Raises:
        SettingsError: a GOATHERD_ variable is unknown or cannot be read.
    """
    settings = Settings.from_environment(os.environ)
    if data_dir is not None:
        settings = replace(settings, data_dir=data_dir.expanduser())
    if host is not None:
        settings = replace(settings, host=host)
    if port is not None:
        settings = replace(settings, port=port)
    return settings


def read_settings(*, data_dir: Path | None = None) -> Settings:
    """Return the settings of a command about an installation.

    Settings that the environment lacks are those of the ``goatherd up`` that runs in
    the data directory, if one does.

    Raises:
        SettingsError: a GOATHERD_ variable is unknown or cannot be read.
    """
    settings = own_settings(data_dir=data_dir)
    kept = kept_settings(settings)
    both = Settings.from_environment(kept, os.environ)
    return replace(both, data_dir=settings.data_dir)


def settings_for_links(data_dir: Path | None) -> Settings:
    """Return the settings of a command that prints links to pages.

    Without GOATHERD_URL these lead to the ``goatherd up`` that runs in the data
    directory, if one does.

    Raises:
        SettingsError: a GOATHERD_ variable is unknown or cannot be read.
    """
    settings = read_settings(data_dir=data_dir)
    path = address_path(settings.data_dir)
    if settings.url is None and path.exists():
        settings = replace(settings, url=path.read_text().strip())
    return settings

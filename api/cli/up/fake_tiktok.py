"""``goatherd up --fake-tiktok``: a simulated TikTok next to everything else.

Only a clone has it, among the tools of the tests.
"""

import os
import socket
import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from msgspec.structs import replace

from api.cli import CommandError, UsageError
from api.cli.kit.databases import opened_store
from api.cli.up.ports import listening_socket
from api.cli.up.reaper import Reaper
from api.cli.up.supervisor import Child
from application.connect.service import CALLBACK_PATH
from infra.settings import Settings, base_url
from workers.sources.demo import DEMO_NAME
from workers.sources.demo.shift_dates import days_to_shift
from workers.sources.recordings.replay_clock import replay_started_at

_BACKLOG = 64
_MODULE = "tests.tools.fake_tiktok"


def check_fake_tiktok(*, demo: bool) -> None:
    """Check that the simulated TikTok can run.

    Raises:
        UsageError: it has no creators, or this is no clone.
    """
    if not demo:
        raise UsageError("--fake-tiktok only knows the demo's creators: add --demo.")
    try:
        _part("__main__")
    except ModuleNotFoundError:
        raise UsageError(
            "--fake-tiktok is among the tools of a clone, which a release lacks."
        ) from None


def _part(name: str) -> ModuleType:
    return import_module(f"{_MODULE}.{name}")


def fake_tiktok_socket(settings: Settings) -> socket.socket:
    """Return the socket of the simulated TikTok, on the next port or any free one."""
    try:
        return listening_socket(settings.host, settings.port + 1, backlog=_BACKLOG)
    except (CommandError, OverflowError):
        return listening_socket(settings.host, 0, backlog=_BACKLOG)


def with_fake_tiktok(settings: Settings, listener: socket.socket) -> Settings:
    """Return the settings of an app at the simulated TikTok, the first provider."""
    pretended, server = _part("__main__"), _part("server")
    url = fake_tiktok_url(settings, listener)
    callback = f"{base_url(settings.host, settings.port)}{CALLBACK_PATH}"
    others = [name for name in settings.providers if name != "display"]
    return replace(
        settings,
        providers=("display", *others),
        display_client_key=pretended.CLIENT_KEY,
        display_client_secret=pretended.CLIENT_SECRET,
        display_base_url=url,
        display_auth_url=f"{url}{server.AUTH_PATH}",
        display_redirect_url=callback,
    )


def fake_tiktok_url(settings: Settings, listener: socket.socket) -> str:
    """Return the address of the simulated TikTok for people."""
    return base_url(settings.host, listener.getsockname()[1])


def use_variables(settings: Settings) -> None:
    """Put the settings of the app into the environment, for the child processes."""
    given = {
        "GOATHERD_DISPLAY_CLIENT_KEY": settings.display_client_key,
        "GOATHERD_DISPLAY_CLIENT_SECRET": settings.display_client_secret,
        "GOATHERD_DISPLAY_BASE_URL": settings.display_base_url,
        "GOATHERD_DISPLAY_AUTH_URL": settings.display_auth_url,
        "GOATHERD_DISPLAY_REDIRECT_URL": settings.display_redirect_url,
    }
    os.environ.update({n: value for n, value in given.items() if value is not None})


def fake_tiktok_child(
    settings: Settings,
    listener: socket.socket,
    *,
    environment: Mapping[str, str],
    reaper: Reaper,
) -> Child:
    """Return the process of the simulated TikTok, whose clock is that of the demo."""
    with opened_store(settings) as store:
        days = days_to_shift(replay_started_at(store.pool, DEMO_NAME))
    descriptor = listener.fileno()
    assert settings.display_redirect_url is not None, "with_fake_tiktok has set it"
    return Child(
        "fake-tiktok",
        command=(
            *(sys.executable, "-m", _MODULE),
            *(
                str(descriptor),
                str(days),
                str(settings.data_dir),
                settings.display_redirect_url,
            ),
        ),
        inherited=(descriptor,),
        environment=environment,
        folder=settings.data_dir,
        reaper=reaper,
    )

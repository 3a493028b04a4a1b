"""Opens a Python prompt with a store, a reader and the demo: ``make shell``.

It works on the database of a running ``make up``. If none runs, it makes a database in
a temporary folder, with the demo and read models that have caught up.
"""

import ast
import asyncio
import code
import inspect
import tempfile
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from api.cli.kit.databases import connected, opened_store
from api.cli.kit.options import read_settings
from api.cli.up.demo import import_history, track_demo
from api.cli.up.first_run import ensure_organization
from api.system.all_projections import ALL_PROJECTIONS
from infra.database import migrate, reading_pool
from infra.embedded import EmbeddedPostgres, running_postgres_url
from infra.embedded.data_dir import open_data_dir
from infra.eventstore.store import Store
from infra.keys.opened import master_key_text, opened_keys
from infra.settings import Settings
from projections.engine.follower import Follower
from projections.engine.reader import Reader

_PROJECTS = "SELECT organization_id, id FROM projects ORDER BY created_at LIMIT 1"
_CREATORS = """
SELECT tiktok_handle, id FROM creator_list WHERE project_id = %s ORDER BY 1
"""
_BANNER = """\
store            the event store: store.load(id), store.head()
reader           the read models, as an organization sees them
organization_id  the first organization
project_id       its first project
creators         the ids of its creators, by handle
catch_up()       apply new events to all projections, if no projector runs

await reader.rows(organization_id, b"SELECT * FROM creator_list", {})
store.load(id := creators["kid-and-kettle"])[id]"""


class Prompt(code.InteractiveConsole):
    """A Python prompt that also takes ``await``."""

    def __init__(self, names: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._names, self._loop = names, loop

    def runcode(self, code: CodeType) -> None:
        """Run one statement, and wait for it if it is a coroutine."""
        try:
            result = FunctionType(code, self._names)()
            if inspect.iscoroutine(result):
                run_in(self._loop, result)
        except SystemExit:
            raise
        except BaseException:  # noqa: BLE001 - the prompt goes on
            self.showtraceback()


def run_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
    """Return the result of a coroutine that runs in the loop of another thread."""
    return asyncio.run_coroutine_threadsafe(work, loop).result()


@contextmanager
def running_loop() -> Generator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread, so that pools work while the prompt waits."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def served(settings: Settings) -> Generator[Settings]:
    """Give the settings of a database that runs: the configured one, or a demo."""
    if settings.database_url or running_postgres_url(settings.data_dir):
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="goatherd-shell-") as folder:
        # PostgreSQL may run as another user, who has to reach it.
        Path(folder).chmod(0o711)
        data_dir = open_data_dir(Path(folder) / "data")
        server = EmbeddedPostgres(data_dir, durable=False)
        url = server.start()
        try:
            fresh = replace(settings, data_dir=data_dir, database_url=url)
            with connected(url) as connection:
                text = master_key_text(fresh, connection, make=True)
                fresh = replace(fresh, master_key=text)
                migrate(url)
                opened_keys(fresh, connection)
            with opened_store(fresh) as store:
                plans = fresh.all_plans
                first = ensure_organization(store, data_dir, plans=plans)
                track_demo(store, first, plans=plans)
                import_history(store, first)
                catch_up(store)
            yield fresh
        finally:
            server.stop()


def catch_up(store: Store) -> int:
    """Apply new events to all projections; return how many events that took."""
    total = 0
    for projection in ALL_PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        total += follower.catch_up()
    return total


def names_in(store: Store, reader: Reader) -> dict[str, Any]:
    """Return what the prompt has, by name."""
    creators: dict[str, UUID] = {}
    organization_id = project_id = None
    with store.pool.connection() as connection:
        if row := connection.execute(_PROJECTS).fetchone():
            organization_id, project_id = row
            creators = dict(connection.execute(_CREATORS, (project_id,)).fetchall())
    return {
        "store": store,
        "reader": reader,
        "organization_id": organization_id,
        "project_id": project_id,
        "creators": creators,
        "catch_up": lambda: catch_up(store),
    }


def main() -> None:
    """Open the prompt, until the end of its input."""
    with (
        served(read_settings()) as settings,
        opened_store(settings) as store,
        running_loop() as loop,
    ):
        url = settings.database_url or running_postgres_url(settings.data_dir)
        assert url is not None, "it is served"
        pool = reading_pool(url, size=2)
        run_in(loop, pool.open())
        try:
            with suppress(ImportError):
                __import__("readline")
            names = names_in(store, Reader(pool, store.codec))
            Prompt(names, loop).interact(_BANNER, exitmsg="")
        finally:
            run_in(loop, pool.close())


if __name__ == "__main__":
    main()

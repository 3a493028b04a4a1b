"""The checks of /health/ready on Redis, and on the disk under PostgreSQL."""

import asyncio
import time
from pathlib import Path

import pytest

from api.system import readiness
from infra.database import own_pool, writing_pool
from infra.settings import Settings

NOWHERE = "postgresql://127.0.0.1:1/nowhere"


def said(data_dir: Path) -> dict[str, str | None]:
    """The check and the warning about the disk; empty where no disk is checked."""

    async def ask() -> dict[str, str | None]:
        writing = writing_pool(NOWHERE, size=1)
        own = own_pool(NOWHERE, size=1)
        checks = readiness.readiness_checks(
            own, writing=writing, redis_url=None, data_dir=data_dir
        )
        warnings = readiness.readiness_warnings(
            writing, data_dir=data_dir, settings=Settings()
        )
        return {
            kind: await check()
            for kind, parts in (("check", checks), ("warning", warnings))
            for name, check in parts
            if name == "disk"
        }

    return asyncio.run(ask())


def test_a_disk_that_is_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "postgres").mkdir()
    monkeypatch.setattr(readiness, "NEARLY_FULL_BYTES", 1 << 60)
    nearly = said(tmp_path)
    monkeypatch.setattr(readiness, "FULL_BYTES", 1 << 60)
    full = said(tmp_path)

    assert nearly["check"] is None
    assert "MB left" in str(nearly["warning"])
    assert "MB left" in str(full["check"])
    assert str(tmp_path) not in str(full)


def test_a_disk_with_room_is_well_and_one_elsewhere_is_not_looked_at(tmp_path: Path):
    assert said(tmp_path) == {}
    (tmp_path / "postgres").mkdir()
    assert said(tmp_path) == {"check": None, "warning": None}


def test_a_process_that_is_busy_itself_does_not_call_redis_silent(
    tmp_path: Path, redis_url: str
):
    async def ask() -> str | None:
        checks = readiness.readiness_checks(
            own_pool(NOWHERE, size=1),
            writing=writing_pool(NOWHERE, size=1),
            redis_url=redis_url,
            data_dir=tmp_path,
        )
        answer = asyncio.ensure_future(dict(checks)["redis"]())
        for _ in range(5):
            await asyncio.sleep(0)
            # A start has many things to do between two steps of a request.
            time.sleep(0.3)  # noqa: ASYNC251
        return await answer

    assert asyncio.run(ask()) is None

"""The metric that names the version and the commit."""

import subprocess
from pathlib import Path

import pytest

from api.system.gauges import Gauges
from infra import build
from infra.settings import Settings
from tests.kit.application import Tenant


def test_metrics_name_the_version_and_the_commit(home: Tenant):
    lines = home.goatherd.client.get("/metrics").text.splitlines()

    (line,) = [line for line in lines if line.startswith("goatherd_build_info{")]
    assert f'commit="{build.commit()}"' in line
    assert 'version="' in line
    assert line.endswith(" 1.0")


def test_metrics_name_the_commit_of_the_start_after_a_pull(
    home: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Ada", "-c", "user.email=a@b.c"]
    words = ["commit", "--quiet", "--allow-empty", "--message", "Go on"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, *words], check=True)
    before = build.commit_of(tmp_path)
    monkeypatch.setattr(build, "_HERE", tmp_path / "infra" / "build.py")
    build.commit.cache_clear()

    gauges = Gauges(home.goatherd.store.pool, Settings())
    subprocess.run([*git, *words], check=True)
    metric = next(gauges.collect())
    build.commit.cache_clear()

    assert [sample.labels["commit"] for sample in metric.samples] == [before]
    assert build.commit_of(tmp_path) != before

"""The metric that names the version and the commit."""

from infra.build import commit
from tests.kit.application import Tenant


def test_metrics_name_the_version_and_the_commit(home: Tenant):
    lines = home.goatherd.client.get("/metrics").text.splitlines()

    (build,) = [line for line in lines if line.startswith("goatherd_build_info{")]
    assert f'commit="{commit()}"' in build
    assert 'version="' in build
    assert build.endswith(" 1.0")

"""A database that 0.1.0 left behind answers the same after an upgrade."""

import re
from pathlib import Path

import pytest

from infra.database import migrate
from tests.kit.application import started
from tests.kit.databases import new_database
from tests.upgrade.dump import recorded, restore, write
from tests.walls.clock import BEGIN, stopped_clock
from tests.walls.demo import counted_secrets, demo
from tests.walls.outline import body_lines

# The id of a request, and the number of a day's requests so far.
_OF_THE_REQUEST = re.compile(r'"?requestId"?: "[^"]*"|api_requests_today: .*')


def now_differs(now: list[str], before: list[str]) -> bool:
    """Tell whether an answer changed, apart from what each request has of its own."""
    return _lasting(now) != _lasting(before)


def _lasting(lines: list[str]) -> list[str]:
    return [_OF_THE_REQUEST.sub("", line) for line in lines]


def test_the_dump_is_made_anew_on_demand(
    request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path
):
    if not request.config.getoption("--write-dump", default=False):
        pytest.skip("python -m tests.upgrade makes it anew")

    with demo(postgres_url, tmp_path) as made:
        write(made, postgres_url)


def test_answers_are_the_same_after_an_upgrade(postgres_url: str):
    before = recorded()
    different: dict[str, list[str]] = {}

    with new_database(postgres_url) as url, stopped_clock(url) as clock:
        clock.move_on(before.at - BEGIN)
        restore(url)
        migrate(url)
        with counted_secrets(), started(url) as goatherd:
            goatherd.catch_up()
            for question, lines in before.answers.items():
                sent = {"Authorization": f"Bearer {before.key}"}
                answer = goatherd.client.get(question, headers=sent)
                status = f"status {answer.status_code}"
                tag = answer.headers.get("ETag", "no ETag")
                now = [f"{status}, {tag}", *body_lines(answer.text)]
                if now_differs(now, lines):
                    different[question] = [*{*now} ^ {*lines}]

    assert len(before.answers) > 100
    assert different == {}

"""Every operation of the API, carried out by ``goatherd call``."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from api.cli import main
from api.cli.operations.clients import operation_of, whole_app
from api.cli.operations.daily import DAILY, Daily
from api.cli.operations.options import NONE, Option, options_of
from api.cli.operations.sources import summary_of
from api.http.errors import Code
from api.operations import Operation, operations_of, plain
from infra.ids import new_id
from infra.settings import Settings
from tests.kit.application import Tenant
from tests.kit.command_line import CommandLine
from tests.kit.operations import Ask, ask_for, ids_of, operations
from tests.kit.pictures import LOGO
from tests.kit.scripted_site import ScriptedSite, json_answer

# Answers that are no text have a test of their own, and so have daily commands.
_OTHERWISE = {"getProjectLogo", *(each.operation for each in DAILY)}
_REFUSED = {
    "findErasureRemains": "erasure",
    "getCampaignStats": "instead",
    "getCreatorStats": "instead",
    "getVideoStats": "instead",
}
# Operations that need things of their own, since they end them.
_ENDS = ("disable", "erase", "archive", "move", "remove", "accept")
_TWICE = 2
_ORDER = ("GET", "PUT", "POST", "PATCH", "DELETE")


def words_for(
    operation: Operation, ask: Ask, folder: Path, *, daily: Daily | None = None
) -> list[str]:
    """The command line of a request."""
    named = dict(zip(ask.path.split("/"), operation.path.split("/"), strict=False))
    words = ["call", operation.id] if daily is None else daily.words.split()
    each = daily.each if daily else ""
    arguments = daily.arguments if daily else ""
    options = options_of(operation, arguments=arguments, each=each)
    body = ask.json
    if isinstance(body, dict) and each in body:
        (body,) = cast("list[dict[str, Any]]", body[each])
    given = {name.strip("{}"): value for value, name in named.items() if "{" in name}
    for option in options:
        if option.place == "path":
            words.append(given[option.keys[0]])
        elif option.place == "query" and option.keys[0] in ask.params:
            value = ask.params[option.keys[0]]
            words.append(f"{'' if option.is_argument else f'{option.flag}='}{value}")
        elif option.is_argument:
            assert isinstance(body, dict)
            words.append(str(body[option.keys[-1]]))
        elif option.place == "body" and body is not None:
            words += _of_field(option, body)
    if ask.content is not None:
        file = folder / "body"
        file.write_bytes(ask.content)
        words += ["--body", str(file)]
    return words


def _of_field(option: Option, body: object) -> Iterator[str]:
    value: Any = body
    for key in option.keys:
        value = value.get(key, msgspec.UNSET) if isinstance(value, dict) else value
    if value is msgspec.UNSET or (option.is_null and value is not None):
        return
    if option.is_null:
        yield option.flag
    elif option.kind.is_json:
        yield f"{option.flag}={msgspec.json.encode(value).decode()}"
    elif isinstance(value, list):
        yield option.flag
        yield from map(str, cast("list[object]", value))
    elif value is None:
        yield f"{option.flag}={'' if option.kind.type is str else NONE}"
    else:
        yield f"{option.flag}={str(value).lower() if value in (True, False) else value}"


@pytest.fixture
def cli(command_line: CommandLine, home: Tenant, tmp_path: Path) -> CommandLine:
    command_line.set(database_url=home.goatherd.url, data_dir=tmp_path)
    return command_line


def test_every_operation_is_carried_out(
    cli: CommandLine, home: Tenant, tmp_path: Path, subtests: pytest.Subtests
):
    ids = ids_of(home)
    app = whole_app(Settings())
    org = str(home.organization_id)
    described = sorted(
        (each for each in operations().values() if each.id not in _OTHERWISE),
        key=lambda each: (_ORDER.index(each.method), each.id == "archiveProject"),
    )
    for each in described:
        operation = operation_of(app, each.id)
        assert operation is not None
        is_an_end = each.method == "DELETE" or each.id.startswith(_ENDS)
        ask = ask_for(each, ids_of(home) if is_an_end else ids)
        with subtests.test(each.id):
            words = words_for(operation, ask, tmp_path)

            home.goatherd.catch_up()
            outcome = cli(*words, "--org", org)

            if each.id in _REFUSED:
                assert outcome.status == 1
                assert _REFUSED[each.id] in outcome.complaint
            else:
                assert (outcome.status, outcome.err) == (0, "")


def test_every_daily_command_prints_the_answer_of_its_operation(
    cli: CommandLine, home: Tenant, tmp_path: Path, subtests: pytest.Subtests
):
    ids = ids_of(home)
    app = whole_app(Settings())
    rest = ("--org", str(home.organization_id))
    order = [each.operation for each in DAILY]
    for daily in sorted(
        DAILY,
        key=lambda each: (_order(each.operation), order.index(each.operation)),
    ):
        operation = operation_of(app, daily.operation)
        assert operation is not None, daily.operation
        with subtests.test(daily.words):
            ask = ask_for(operations()[daily.operation], ids)
            words = words_for(operation, ask, tmp_path, daily=daily)
            home.goatherd.catch_up()

            if operation.method == "GET":
                document = msgspec.json.decode(cli(*words, "--json", *rest).out)
                assert isinstance(document, list if daily.ids else list | dict)
            outcome = cli(*words, *rest)

            if outcome.status == 0:
                assert outcome.err == ""
                assert outcome.out.strip()
            else:
                # Nothing answers at the addresses of tests.
                assert daily.failed is not None
                assert outcome.complaint
                assert (outcome.status, bool(outcome.out)) == (1, bool(daily.rows))


def test_every_daily_command_tells_each_refusal_in_a_line(
    command_line: CommandLine, tmp_path: Path, subtests: pytest.Subtests
):
    command_line.set(data_dir=tmp_path)
    app = whole_app(Settings())
    named = {name for each in operations().values() for name in each.ids("path")}
    ids = {name: str(new_id()) for name in ("confirm", "inner_id", *named)}
    met = Counter[str]()
    with ScriptedSite() as site:
        elsewhere = ("--url", site.url, "--key", "goat_live_key")
        for daily in DAILY:
            operation = operation_of(app, daily.operation)
            assert operation is not None
            described = operations()[daily.operation]
            ask = ask_for(described, ids)
            words = words_for(operation, ask, tmp_path, daily=daily)
            # Refusals that all operations share are met by the first ones.
            for code in sorted(map(Code, described.codes)):
                met[code] += 1
                if met[code] > _TWICE:
                    continue
                with subtests.test(daily.words, code=str(code)):
                    refusal = {"data": None, "error": code.example}
                    site.answers[ask.path] = json_answer(
                        {**refusal, "meta": {"code": code}}, status=code.status
                    )

                    outcome = command_line(*words, *elsewhere)

                    assert outcome.status in {1, 2}
                    assert (outcome.out, outcome.complaint) == ("", code.example)


def _order(operation_id: str) -> int:
    return _ORDER.index(operations()[operation_id].method)


def test_a_picture_is_written_as_it_is(
    home: Tenant,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
):
    ids = ids_of(home)
    monkeypatch.setenv("GOATHERD_DATABASE_URL", home.goatherd.url)
    monkeypatch.setenv("GOATHERD_DATA_DIR", str(tmp_path))
    org = str(home.organization_id)

    status = main(["call", "getProjectLogo", ids["project_id"], "--org", org])

    assert (status, capfdbinary.readouterr().out) == (0, LOGO)


def test_an_operation_of_a_resource_says_what_it_does_before_it_is_loaded():
    for operation in operations_of(whole_app(Settings())):
        if operation.path.startswith("/api/v1/") and operation.id != "getSchema":
            summary = plain(f"{operation.summary}.")
            assert summary_of(operation.id) == summary, operation.id

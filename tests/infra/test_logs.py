import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Literal

import psycopg
import pytest
import structlog

from infra.logs import configure_logs, correlated, correlation_id, masked

KEY = "tga_" + "0123456789abcdef" * 4

type_of_lines = Callable[[], list[dict[str, object]]]


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    of_clients = {name: logging.getLogger(name).level for name in ("httpcore", "httpx")}
    yield
    for name, level in of_clients.items():
        logging.getLogger(name).setLevel(level)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.reset_defaults()


@pytest.fixture
def logged() -> type_of_lines:
    """The lines that were logged in JSON since then.

    Pools that other tests left may complain at any time; that is not ours.
    """
    stream = io.StringIO()
    configure_logs(level="info", form="json", stream=stream)

    def lines() -> list[dict[str, object]]:
        every = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in every if line.get("logger") != "psycopg.pool"]

    return lines


def test_a_line_says_what_happened_when_and_how_grave(logged: type_of_lines):
    structlog.get_logger("scrapes").warning("Blocked.", attempt=3)

    (line,) = logged()

    assert line.pop("timestamp")
    assert line == {
        "event": "Blocked.",
        "attempt": 3,
        "level": "warning",
        "logger": "scrapes",
    }


def test_lines_of_libraries_look_the_same(logged: type_of_lines):
    logging.getLogger("library.pool").warning("lost %s", "a connection")

    (line,) = logged()

    assert line["event"] == "lost a connection"
    assert line["logger"] == "library.pool"
    assert line["level"] == "warning"


def test_less_important_lines_are_left_out(logged: type_of_lines):
    structlog.get_logger().debug("chatter")
    logging.getLogger("library").debug("chatter")

    assert logged() == []


@pytest.mark.parametrize("name", ("httpx", "httpcore.http11", "httpcore.connection"))
@pytest.mark.parametrize("level", ("debug", "info"))
def test_requests_of_http_clients_are_not_told(
    name: str, level: Literal["debug", "info"]
):
    stream = io.StringIO()
    configure_logs(level=level, form="json", stream=stream)

    logging.getLogger(name).info("HTTP Request: GET https://x.example/?token=hunter2")
    logging.getLogger(name).debug("send_request_headers.started")
    logging.getLogger(name).warning("It broke.")

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "It broke."


def test_a_correlation_id_is_on_every_line_inside_its_block(logged: type_of_lines):
    with correlated("request-7"):
        structlog.get_logger().info("inside")
        logging.getLogger("library").info("inside")
        seen = correlation_id()
    structlog.get_logger().info("outside")

    ids = [line.get("correlation_id") for line in logged()]

    assert seen == "request-7"
    assert ids == ["request-7", "request-7", None]
    assert correlation_id() is None


@pytest.mark.parametrize(
    ("text", "clean"),
    (
        (f"refused {KEY}", "refused [masked]"),
        ("Authorization: Bearer abcdef", "Authorization: [masked]"),
        ("authorization=Basic dXNlcjpwYXNz", "authorization=[masked]"),
        ("(b'authorization', b'Bearer abc')", "(b'authorization', b'[masked]')"),
        ('{"authorization":"Bearer abc"}', '{"authorization":"[masked]"}'),
        ("sent Bearer 0123456789abcdef.x", "sent Bearer [masked]"),
        ("postgresql://ada:s3:cret@db/goats", "postgresql://ada:[masked]@db/goats"),
        ("redis://:s3cret@cache:6379/0", "redis://:[masked]@cache:6379/0"),
        ("host=db password='s3cret' user=ada", "host=db password='[masked]' user=ada"),
        (
            "postgresql:///goats?password=s3cret&a=b",
            "postgresql:///goats?password=[masked]&a=b",
        ),
        ("client_key=k&client_secret=s3cret", "client_key=k&client_secret=[masked]"),
        (
            "Cookie: goatherd_position=7; goatherd_session=k8Eq-x_Q; other=1",
            "Cookie: goatherd_position=7; goatherd_session=[masked]; other=1",
        ),
        (
            "(b'set-cookie', b'goatherd_session=k8Eq-x_Q; Path=/')",
            "(b'set-cookie', b'goatherd_session=[masked]; Path=/')",
        ),
        ("goatherd_flash=SGVsbG8-x_", "goatherd_flash=[masked]"),
        ("GET /sign-in/k8Eq-x_Qk8Eq-x_Qk8Eq 303", "GET /sign-in/[masked] 303"),
    ),
)
def test_secrets_are_masked_wherever_they_stand(text: str, clean: str):
    assert masked(text) == clean


@pytest.mark.parametrize(
    "text",
    (
        "GET http://127.0.0.1:8000/api/v1/creators?limit=5",
        "unix:///tmp/valkey.sock?db=0",
        "postgresql://postgres@/goatherd?host=%2Ftmp",
        "tga_ is how keys begin",
        "@ada posted https://www.tiktok.com/@ada/video/1",
    ),
)
def test_what_is_no_secret_stays_as_it_is(text: str):
    assert masked(text) == text


def test_no_secret_is_logged_however_deep_it_lies(logged: type_of_lines):
    headers = {"Authorization": "Bearer s3cret", "x": [f"key {KEY}"]}
    headers |= {"Cookie": "goatherd_session=s3cret", "Set-Cookie": "a=s3cret"}
    structlog.get_logger().info("asked", headers=headers, password="s3cret")  # noqa: S106
    del headers["Set-Cookie"]
    logging.getLogger("library").info("asked with %s", headers)
    try:
        raise ValueError(f"cannot reach redis://:s3cret@cache with {KEY}")  # noqa: TRY301
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed")

    lines = logged()

    assert len(lines) == 4
    assert "s3cret" not in str(lines)
    assert KEY not in str(lines)
    assert "Traceback" in str(lines[2]["exception"])


def test_the_console_form_is_for_people_and_masks_too():
    stream = io.StringIO()
    configure_logs(level="info", form="console", stream=stream)

    structlog.get_logger().info("Asked.", key=KEY, creator="ada")

    assert "Asked." in stream.getvalue()
    assert "creator=ada" in stream.getvalue()
    assert KEY not in stream.getvalue()


def test_what_postgresql_says_about_a_row_is_not_logged(
    logged: type_of_lines, database_url: str
):
    """It names the values of the row, which may be a person's."""
    try:
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "INSERT INTO dead_letter (projection, position, name, error) "
                "VALUES (%s, 1, %s, NULL)",
                ("heidi", "of\nPeters"),
            )
    except psycopg.Error as error:
        structlog.get_logger().warning("failed", error=repr(error))
        structlog.get_logger().exception("failed")

    first, second = logged()
    for line in (first, second):
        assert "violates not-null constraint" in str(line)
        assert "heidi" not in str(line)
        assert "Peters" not in str(line)

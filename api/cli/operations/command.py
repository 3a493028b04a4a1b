"""A command made from an operation: its options, its request and its output."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from getpass import getpass
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote

import msgspec
from cyclopts import Parameter

from api.cli import CommandError, UsageError
from api.cli.kit.names import ChosenOrganizationOption
from api.cli.kit.options import DataDir, Ids, Json, settings_for_links
from api.cli.operations.answers import AnswerPrinter, next_cursor, print_raw
from api.cli.operations.clients import Call, Sender, app_of, operation_of, sender_of
from api.cli.operations.daily import Daily
from api.cli.operations.names import id_of, is_id
from api.cli.operations.options import NONE, Option, body_of, flag_of, options_of
from api.http.errors import FieldProblem
from api.in_process import RawResponse, SentBody
from api.operations import Operation
from infra.settings import Settings

_FIRST_FAILURE = 400
# Requests that are wrong by themselves, whatever the installation holds.
_WRONG = frozenset({400, 413, 415, 422})

BodyFile = Annotated[
    str | None,
    Parameter(
        "--body",
        allow_leading_hyphen=True,
        help="A file with the body: JSON, or the file that the operation takes. A dash "
        "is the standard input.",
    ),
]
Version = Annotated[
    int | None,
    Parameter("--version", help="Change nothing unless the thing has this version."),
]
IdempotencyKeyOption = Annotated[
    str | None,
    Parameter("--idempotency-key", help="The same key does the same only once."),
]
Url = Annotated[
    str | None,
    Parameter(
        "--url",
        help="The address of another installation (GOATHERD_URL); with --key.",
    ),
]
InstallationKey = Annotated[
    str | None,
    Parameter("--key", help="A key of that installation (GOATHERD_KEY)."),
]


class _Refusal(msgspec.Struct, frozen=True):
    error: str
    meta: dict[str, Any]


def command_of(operation_id: str, *, daily: Daily | None = None) -> Callable[..., None]:
    """Return the function that carries out an operation with options of its own.

    ``daily`` is the daily command that does, if the operation has one.

    Raises:
        UsageError: no operation has the id.
    """
    operation = operation_of(app_of(operation_id, Settings()), operation_id)
    if operation is None:
        raise UsageError(
            f"There is no operation {operation_id!r}: `goatherd call` lists all."
        )
    words = Daily(words="", operation=operation_id) if daily is None else daily
    options = options_of(
        operation,
        arguments=words.arguments,
        typed_in=words.typed_in,
        each=words.each,
    )
    own = _own(operation) if daily is None else [*_own(operation), *_of_daily(daily)]
    signature = inspect.Signature([*map(_parameter, options), *own])

    def run(*values: object, **named: object) -> None:
        given = {
            name: value
            for name, value in signature.bind(*values, **named).arguments.items()
            if value is not None
        }
        for option in options:
            if option.is_typed_in and option.parameter in given:
                is_set = given[option.parameter]
                given[option.parameter] = _typed_in(option) if is_set else ""
        if daily is None:
            _carry_out(operation, options, given, lambda found: print_raw(next(found)))
        else:
            is_json, shows_ids = given.pop("json", False), given.pop("ids", False)
            printer = AnswerPrinter(daily, operation, json=is_json, ids=shows_ids)
            _carry_out(operation, options, given, printer.print)

    run.__signature__ = signature
    run.__doc__ = f"{operation.summary}.\n\n{operation.description}"
    return run


def _typed_in(option: Option) -> str:
    """Read a text that no argument may have: others see the list of processes.

    Raises:
        UsageError: nothing was typed in. The API would take that for the end of a
            password.
    """
    at_terminal = sys.stdin.isatty()
    text = getpass() if at_terminal else sys.stdin.readline().rstrip("\n")
    if not text:
        raise UsageError(f"{option.flag} needs a text: none was typed in.")
    return text


def _parameter(option: Option) -> inspect.Parameter:
    kind: Any = option.kind.type
    is_list = not isinstance(kind, type) and kind.__class__.__name__ == "GenericAlias"
    if option.kind.may_be_null and kind in {int, float}:
        kind = kind | Literal[NONE]
    names = (option.name,) if option.is_argument else (option.flag,)
    is_needed = option.is_argument and option.is_required
    return inspect.Parameter(
        option.parameter,
        inspect.Parameter.POSITIONAL_ONLY
        if option.is_argument
        else inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if is_needed else None,
        annotation=Annotated[
            kind if is_needed else kind | None,
            Parameter(
                names or None,
                help=option.help,
                negative=() if is_list or option.is_null else None,
                consume_multiple=is_list,
            ),
        ],
    )


def _of_daily(daily: Daily) -> list[inspect.Parameter]:
    own = {"ids": Ids, "json": Json} if daily.ids else {"json": Json}
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind
        )
        for name, kind in own.items()
    ]


def _own(operation: Operation) -> list[inspect.Parameter]:
    own: dict[str, Any] = {}
    if operation.body is not None or operation.files_taken:
        own["body"] = BodyFile
    if operation.is_conditional_write:
        own["version"] = Version
    if operation.method == "POST" and operation.route.scope is not None:
        own["idempotency_key"] = IdempotencyKeyOption
    own |= {
        "org": ChosenOrganizationOption,
        "data_dir": DataDir,
        "url": Url,
        "key": InstallationKey,
    }
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind
        )
        for name, kind in own.items()
    ]


def _carry_out(
    operation: Operation,
    options: Sequence[Option],
    given: Mapping[str, Any],
    print_answers: Callable[[Iterator[RawResponse]], None],
) -> None:
    sender = sender_of(
        operation,
        settings=settings_for_links(given.get("data_dir")),
        org=given.get("org"),
        url=given.get("url"),
        key=given.get("key"),
    )
    call = _call(operation, options, _with_ids(sender, options, given))
    if operation.is_stream:
        _stream(sender, call, options)
    else:
        print_answers(_answers(sender, call, options))


def _answers(
    sender: Sender, call: Call, options: Sequence[Option]
) -> Iterator[RawResponse]:
    """Yield the answer, and those with the further pages of a list."""
    cursor: str | None = ""
    while cursor is not None:
        query = {**call.query, "cursor": cursor} if cursor else call.query
        answer = checked(
            sender.send(msgspec.structs.replace(call, query=query)), options
        )
        yield answer
        cursor = next_cursor(answer)


def _with_ids(
    sender: Sender, options: Sequence[Option], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options with ids in place of the names of things."""

    def found(kind: str, value: Any) -> Any:  # noqa: ANN401 - any value of an option
        if isinstance(value, tuple):
            return tuple(found(kind, each) for each in cast("tuple[str, ...]", value))
        if "," in value:
            return ",".join(found(kind, each) for each in value.split(","))
        if not value or is_id(value):
            return value
        return id_of(kind, value, lambda call: checked(sender.send(call), ()))

    values = dict(given)
    for option in options:
        kind = option.names_in(options, given)
        value = given.get(option.parameter)
        if kind is not None and value is not None and not option.is_none(value):
            values[option.parameter] = found(kind, value)
    return values


def _call(
    operation: Operation, options: Sequence[Option], given: Mapping[str, Any]
) -> Call:
    path, query = operation.path, dict[str, str]()
    for option in options:
        if option.parameter not in given:
            continue
        text = option.as_text(given[option.parameter])
        if option.place == "path":
            path = path.replace(f"{{{option.keys[0]}}}", quote(text, safe=""))
        elif option.place == "query":
            query[option.keys[0]] = text
    headers: dict[str, str] = {}
    if "version" in given:
        headers["If-Match"] = f'"{given["version"]}"'
    if "idempotency_key" in given:
        headers["Idempotency-Key"] = given["idempotency_key"]
    return Call(
        operation_id=operation.id,
        method=operation.method,
        path=path,
        query=query,
        content=_content(operation, options, given),
        headers=headers,
    )


def _content(
    operation: Operation, options: Sequence[Option], given: Mapping[str, Any]
) -> SentBody:
    body = body_of(options, given)
    if "body" not in given:
        is_needed = operation.body is not None and type(None) not in getattr(
            operation.body.annotation, "__args__", ()
        )
        return SentBody.of({} if body is None and is_needed else body)
    if body is not None:
        raise UsageError(
            "--body is the whole body: leave out the options of its fields."
        )
    file = given["body"]
    sent = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    if operation.files_taken:
        return SentBody.of(sent)
    return SentBody(body=sent, media_type="application/json")


def checked(answer: RawResponse, options: Sequence[Option]) -> RawResponse:
    """Return an answer that is no refusal.

    Raises:
        UsageError: the request was wrong, as its message says by options.
        CommandError: the API refused.
    """
    if answer.status < _FIRST_FAILURE:
        return answer
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.DecodeError:
        raise CommandError(f"The answer has the status {answer.status}.") from None
    fields = msgspec.convert(refusal.meta.get("fields", []), list[FieldProblem])
    message = "; ".join(
        f"{flag_of(options, problem.path)} {problem.message}" for problem in fields
    )
    if answer.status in _WRONG:
        raise UsageError(message or refusal.error)
    raise CommandError(message or refusal.error)


def _stream(sender: Sender, call: Call, options: Sequence[Option]) -> None:
    def take(part: bytes) -> None:
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()

    checked(sender.send(call, take=take), options)

"""Settings: what an operator may choose, read once from GOATHERD_* variables.

The class holds the types and defaults, and MEANINGS says what each setting is for.
``python -m infra.settings`` prints both as the table in docs/operating.md.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_origin

import msgspec
from msgspec import DecodeError, Meta, ValidationError
from msgspec.structs import FieldInfo, fields

from domain.organization.plans import DEFAULT_PLANS, Limits, Plans
from infra.setting_meanings import MEANINGS

PREFIX = "GOATHERD_"
# The test suite sets variables of its own, which the processes it starts inherit.
_TEST_PREFIX = "GOATHERD_TEST_"


class SettingsError(Exception):
    """A setting is unknown or cannot be read; the message names it."""


def _form(form: str, *, secret: bool = False) -> dict[str, Any]:
    return {"form": form, "secret": secret}


def _between(least: int, most: int) -> Meta:
    return Meta(
        ge=least, le=most, extra=_form(f"a whole number from {least} to {most}")
    )


DatabaseURL = Annotated[
    str,
    Meta(
        pattern="^postgres(ql)?://",
        extra=_form("a postgresql:// address", secret=True),
    ),
]
RedisURL = Annotated[
    str,
    Meta(
        pattern="^(rediss?|unix)://",
        extra=_form("a redis://, rediss:// or unix:// address", secret=True),
    ),
]
WebAddress = Annotated[
    str,
    Meta(pattern="^https?://[^/]+", extra=_form("an http:// or https:// address")),
]
Origin = Annotated[str, Meta(pattern="^https?://[^/,]+$")]
Origins = Annotated[
    tuple[Origin, ...],
    Meta(extra=_form("addresses like https://app.example.com, divided by commas")),
]
HostName = Annotated[str, Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
HostNames = Annotated[
    tuple[HostName, ...],
    Meta(extra=_form("names of hosts like tiktokcdn.com, divided by commas")),
]
FolderPath = Annotated[Path, Meta(extra=_form("a folder"))]
RecordingsPath = Annotated[Path, Meta(extra=_form("a file or a folder"))]
Text = Annotated[str, Meta(extra=_form("text"))]
SecretText = Annotated[str, Meta(extra=_form("text", secret=True))]
SigningSecret = Annotated[
    str, Meta(min_length=32, extra=_form("at least 32 characters", secret=True))
]
MasterKeyText = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9+/]{43}=$",
        extra=_form("32 bytes in base64, which are 44 characters", secret=True),
    ),
]
Speed = Annotated[
    float, Meta(gt=0, le=1e9, extra=_form("a number above 0 and up to 1e9"))
]
ProviderName = Annotated[
    Literal["replay", "web", "research"], Meta(extra=_form("replay, web or research"))
]
PlansObject = Annotated[
    dict[str, Limits],
    Meta(
        extra=_form(
            'a JSON object of plans, such as {"free": {"max_creators_per_org": 9}}'
        )
    ),
]
YesOrNo = Annotated[bool, Meta(extra=_form("true or false"))]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    Meta(extra=_form("debug, info, warning or error")),
]
LogFormat = Annotated[Literal["console", "json"], Meta(extra=_form("console or json"))]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings; they are passed to functions and never looked up."""

    database_url: DatabaseURL | None = None
    database_patience_seconds: Annotated[int, _between(0, 3600)] = 0
    redis_url: RedisURL | None = None
    data_dir: FolderPath = Path(".goatherd")
    host: Text = "127.0.0.1"
    port: Annotated[int, _between(1, 65_535)] = 8000
    http_workers: Annotated[int, _between(1, 64)] = 1
    max_connections: Annotated[int, _between(16, 100_000)] = 1_000
    max_connections_per_address: Annotated[int, _between(8, 100_000)] = 200
    cors_origins: Origins = ()
    secret: SigningSecret | None = None
    master_key: MasterKeyText | None = None
    remote_images: YesOrNo = True
    image_hosts: HostNames = (
        "tiktokcdn.com",
        "tiktokcdn-us.com",
        "tiktokcdn-eu.com",
        "ibyteimg.com",
    )
    provider: ProviderName = "replay"
    recordings: RecordingsPath | None = None
    replay_speed: Speed | None = None
    tiktok_base_url: WebAddress = "https://www.tiktok.com"
    research_base_url: WebAddress = "https://open.tiktokapis.com"
    research_client_key: SecretText | None = None
    research_client_secret: SecretText | None = None
    worker_processes: Annotated[int, _between(1, 64)] = 1
    worker_threads: Annotated[int, _between(1, 256)] = 8
    lease_seconds: Annotated[int, _between(5, 3600)] = 20
    max_queue_age_seconds: Annotated[int, _between(1, 604_800)] = 900
    writing_pool_size: Annotated[int, _between(1, 200)] = 8
    reading_pool_size: Annotated[int, _between(1, 200)] = 10
    own_pool_size: Annotated[int, _between(1, 200)] = 4
    plans: PlansObject = {}
    log_level: LogLevel = "info"
    log_format: LogFormat = "console"

    @property
    def all_plans(self) -> Plans:
        """Return every plan by name; a configured plan replaces the built-in one."""
        return Plans({**DEFAULT_PLANS, **self.plans})

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={_shown(field, getattr(self, field.name))}"
            for field in fields(type(self))
        )
        return f"Settings({', '.join(shown)})"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from variables; an empty variable counts as not set.

        Raises:
            SettingsError: a GOATHERD_ variable is unknown or cannot be read.
        """
        known = {_variable(field): field for field in fields(cls)}
        chosen: dict[str, Any] = {}
        for variable, text in environ.items():
            if not variable.startswith(PREFIX) or variable.startswith(_TEST_PREFIX):
                continue
            if variable not in known:
                msg = f"{variable} is not a setting of Goatherd."
                raise SettingsError(msg)
            if text.strip():
                chosen[known[variable].name] = _read(known[variable], text.strip())
        return cls(**chosen)


class Row(NamedTuple):
    """One setting, as the documentation shows it."""

    variable: str
    default: str
    form: str
    meaning: str


def table() -> list[Row]:
    """Return one row for each setting, in the order of the class."""
    return [
        Row(
            variable=_variable(field),
            default=_default(field),
            form=_extra(field)["form"],
            meaning=MEANINGS[field.name],
        )
        for field in fields(Settings)
    ]


def _variable(field: FieldInfo) -> str:
    return PREFIX + field.name.upper()


# Settings that hold several words, separated by commas.
_LISTS = {"cors_origins", "image_hosts"}


def _extra(field: FieldInfo) -> dict[str, Any]:
    # For an optional setting, the first member of the union says the form.
    candidates = (field.type, *get_args(field.type))
    annotated = next(c for c in candidates if get_origin(c) is Annotated)
    return annotated.__metadata__[0].extra


def _default(field: FieldInfo) -> str:
    if field.default is False:
        return "false"
    if field.default is None or field.name == "plans":
        return ""
    if field.name in _LISTS:
        return ",".join(field.default)
    if field.default is True:
        return "true"
    if isinstance(field.default, float):
        return f"{field.default:g}"
    return str(field.default)


def _shown(field: FieldInfo, value: object) -> str:
    return "***" if value and _extra(field)["secret"] else repr(value)


def _read(field: FieldInfo, text: str) -> object:
    try:
        if field.name == "plans":
            return msgspec.json.decode(text, type=field.type)
        several = field.name in _LISTS
        raw = [part.strip() for part in text.split(",")] if several else text
        return msgspec.convert(raw, field.type, strict=False, dec_hook=_path)
    except (ValidationError, DecodeError):
        extra = _extra(field)
        but = "" if extra["secret"] else f", not {text!r}"
        msg = f"{_variable(field)} must be {extra['form']}{but}."
        raise SettingsError(msg) from None


def _path(_: type, value: str) -> Path:
    return Path(value).expanduser()


def _print_table() -> None:
    sys.stdout.write("| Variable | Default | Value | Meaning |\n|---|---|---|---|\n")
    for row in table():
        default = f"`{row.default}`" if row.default else ""
        sys.stdout.write(
            f"| `{row.variable}` | {default} | {row.form} | {row.meaning} |\n"
        )


if __name__ == "__main__":
    _print_table()

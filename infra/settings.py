"""Settings: what an operator may choose, read once from GOATHERD_* variables.

The class holds the types and defaults, and MEANINGS says what each setting is for.
``python -m infra.settings`` prints both as the table in docs/operating.md.
"""

import sys
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, Self, get_args, get_origin

import msgspec
from msgspec import DecodeError, ValidationError
from msgspec.structs import FieldInfo, fields

from domain.organization.plans import DEFAULT_PLANS, Plans
from domain.scrape.costs import Price
from infra import setting_forms as f
from infra.setting_meanings import MEANINGS

PREFIX = "GOATHERD_"
# The test suite sets variables of its own, which the processes it starts inherit.
_TEST_PREFIX = "GOATHERD_TEST_"
# Names from before there were several sources, which are still read.
OLD_NAMES = MappingProxyType(
    {
        "GOATHERD_PROVIDER": "GOATHERD_PROVIDERS",
        "GOATHERD_TIKTOK_BASE_URL": "GOATHERD_WEB_BASE_URL",
    }
)
# The only app that the pretended TikTok of `goatherd up --fake-tiktok` knows.
PRETENDED_CLIENT_KEY = "fake-client-key"


class SettingsError(Exception):
    """A setting is unknown or cannot be read; the message names it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings; they are passed to functions and never looked up."""

    database_url: f.DatabaseURL | None = None
    database_patience_seconds: Annotated[int, f.between(0, 3600)] = 0
    redis_url: f.RedisURL | None = None
    data_dir: f.FolderPath = Path(".goatherd")
    host: f.Text = "127.0.0.1"
    port: Annotated[int, f.between(1, 65_535)] = 8000
    url: f.OwnAddress | None = None
    key: f.SecretText | None = None
    http_workers: Annotated[int, f.between(1, 64)] = 1
    max_connections: Annotated[int, f.between(16, 100_000)] = 1_000
    max_connections_per_address: Annotated[int, f.between(8, 100_000)] = 200
    trusted_proxies: f.Networks = ()
    cors_origins: f.Origins = ()
    secret: f.SigningSecret | None = None
    master_key: f.MasterKeyText | None = None
    smtp_url: f.MailServerURL | None = None
    webhook_allowed_hosts: f.WebhookHosts = ()
    oidc_issuer: f.IssuerAddress | None = None
    oidc_client_id: f.SecretText | None = None
    oidc_client_secret: f.SecretText | None = None
    oidc_organization: f.OrganizationId | None = None
    oidc_role_claim: f.Text = "roles"
    oidc_roles: f.RolesObject | None = None
    oidc_max_age_seconds: Annotated[int, f.between(60, 7_776_000)] = 43_200
    passwords: f.YesOrNo = True
    key_sign_in: f.YesOrNo = True
    remote_images: f.YesOrNo = True
    image_hosts: f.HostNames = (
        "tiktokcdn.com",
        "tiktokcdn-us.com",
        "tiktokcdn-eu.com",
        "ibyteimg.com",
    )
    providers: f.ProviderNames = ()
    recordings: f.RecordingsPath | None = None
    replay_speed: f.Speed | None = None
    web_base_url: f.WebAddress = "https://www.tiktok.com"
    web_daily_budget: f.DailyBudget | None = None
    web_price: f.PriceText | None = None
    research_base_url: f.WebAddress = "https://open.tiktokapis.com"
    research_client_key: f.SecretText | None = None
    research_client_secret: f.SecretText | None = None
    # TikTok's own limit.
    research_daily_budget: Annotated[int, f.between(0, 1_000)] = 1_000
    research_price: f.PriceText | None = None
    display_client_key: f.SecretText | None = None
    display_client_secret: f.SecretText | None = None
    display_base_url: f.WebAddress = "https://open.tiktokapis.com"
    display_auth_url: f.WebAddress = "https://www.tiktok.com/v2/auth/authorize/"
    display_redirect_url: f.CallbackAddress | None = None
    display_daily_budget: f.DailyBudget | None = None
    display_price: f.PriceText | None = None
    scrapecreators_base_url: f.WebAddress = "https://api.scrapecreators.com"
    scrapecreators_api_key: f.ApiKeyText | None = None
    scrapecreators_daily_budget: f.DailyBudget | None = None
    scrapecreators_price: f.PriceText | None = None
    ensembledata_base_url: f.WebAddress = "https://ensembledata.com/apis"
    ensembledata_api_key: f.ApiKeyText | None = None
    ensembledata_daily_budget: f.DailyBudget | None = None
    ensembledata_price: f.PriceText | None = None
    worker_processes: Annotated[int, f.between(1, 64)] = 1
    worker_threads: Annotated[int, f.between(1, 256)] = 8
    lease_seconds: Annotated[int, f.between(5, 3600)] = 20
    max_queue_age_seconds: Annotated[int, f.between(1, 604_800)] = 900
    writing_pool_size: Annotated[int, f.between(1, 200)] = 8
    reading_pool_size: Annotated[int, f.between(1, 200)] = 10
    own_pool_size: Annotated[int, f.between(1, 200)] = 4
    plans: f.PlansObject = {}
    log_level: f.LogLevel = "info"
    log_format: f.LogFormat = "console"

    @property
    def all_plans(self) -> Plans:
        """Return every plan by name; a configured plan replaces the built-in one."""
        return Plans({**DEFAULT_PLANS, **self.plans})

    @property
    def plays_recording(self) -> bool:
        """Return whether a recording is the only source, and TikTok is never asked.

        The pretended TikTok has the numbers of a recording, too.
        """
        is_pretended = self.display_client_key == PRETENDED_CLIENT_KEY
        others = {name for name in self.providers if name != "replay"}
        return bool(self.providers) and others <= (
            {"display"} if is_pretended else set()
        )

    @property
    def own_url(self) -> str:
        """Return the address at which people reach Goatherd, without a slash."""
        return self.url or base_url(self.host, self.port)

    def daily_budget(self, provider: str) -> int | None:
        """Return how many requests a day it may send, over all organizations."""
        return getattr(self, f"{provider}_daily_budget", None)

    def price(self, provider: str) -> Price | None:
        """Return what one of its requests costs."""
        text: str | None = getattr(self, f"{provider}_price", None)
        return None if text is None else Price.of(text)

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={_shown(field, getattr(self, field.name))}"
            for field in fields(type(self))
        )
        return f"Settings({', '.join(shown)})"

    @classmethod
    def from_environment(cls, *environs: Mapping[str, str]) -> Self:
        """Read the settings from variables; an empty variable counts as not set.

        A setting that several of ``environs`` have is that of the last one.

        Raises:
            SettingsError: a GOATHERD_ variable is unknown or cannot be read.
        """
        chosen: dict[str, Any] = {}
        for environ in environs:
            chosen |= _chosen(environ)
        _check_provider(chosen)
        return cls(**chosen)


class Row(NamedTuple):
    """One setting, as the documentation shows it."""

    variable: str
    default: str
    form: str
    meaning: str


def base_url(host: str, port: int) -> str:
    """Return the address to type into a browser on this machine."""
    return f"http://{bracketed(reachable(host))}:{port}"


def reachable(host: str) -> str:
    """Return an address to connect to; a server on 0.0.0.0 or :: is on this machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def table() -> list[Row]:
    """Return one row for each setting, in the order of the class."""
    return [
        Row(
            variable=_variable(field),
            default=_default(field),
            form=_extra(field)["shortly"],
            meaning=MEANINGS[field.name],
        )
        for field in fields(Settings)
    ]


def _chosen(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {_variable(field): field for field in fields(Settings)}
    for old, new in OLD_NAMES.items():
        known[old] = known[new]
    chosen: dict[str, Any] = {}
    set_by: dict[str, str] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(_TEST_PREFIX):
            continue
        if variable not in known:
            msg = f"{variable} is not a setting of Goatherd."
            raise SettingsError(msg)
        name = known[variable].name
        if not text.strip():
            continue
        if name in set_by:
            msg = f"{set_by[name]} and {variable} are the same setting: set one."
            raise SettingsError(msg)
        set_by[name] = variable
        chosen[name] = _read(known[variable], variable, text.strip())
    return chosen


def _variable(field: FieldInfo) -> str:
    return PREFIX + field.name.upper()


# Settings that hold several words, separated by commas.
_LISTS = {
    "cors_origins",
    "image_hosts",
    "providers",
    "trusted_proxies",
    "webhook_allowed_hosts",
}
# Settings that hold a JSON object.
_OBJECTS = {"oidc_roles", "plans"}


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


# The settings without which nobody can sign in by an OpenID provider.
_OF_PROVIDER = (
    "oidc_issuer",
    "oidc_client_id",
    "oidc_client_secret",
    "oidc_organization",
    "oidc_roles",
)


def _check_provider(chosen: Mapping[str, Any]) -> None:
    """Refuse half of the settings of an OpenID provider.

    Raises:
        SettingsError: some of them are set, and others are not.
    """
    missing = [name for name in _OF_PROVIDER if name not in chosen]
    if any(name.startswith("oidc_") for name in chosen) and missing:
        names = " and ".join(PREFIX + name.upper() for name in missing)
        verb = "is" if len(missing) == 1 else "are"
        msg = f"Signing in by an OpenID provider needs {names}, which {verb} not set."
        raise SettingsError(msg)
    if missing and not chosen.get("passwords", True):
        msg = (
            "GOATHERD_PASSWORDS=false needs an OpenID provider in the settings "
            "(GOATHERD_OIDC_ISSUER and the others), because nobody could sign in."
        )
        raise SettingsError(msg)


def _read(field: FieldInfo, variable: str, text: str) -> object:
    try:
        if field.name in _OBJECTS:
            return msgspec.json.decode(text, type=field.type)
        several = field.name in _LISTS
        raw = [part.strip() for part in text.split(",")] if several else text
        value = msgspec.convert(raw, field.type, strict=False, dec_hook=_path)
        if field.name == "trusted_proxies":
            # Bits beyond the mask would say that more was meant than one network.
            for network in value:
                ip_network(network)
    except (ValidationError, DecodeError, ValueError):
        extra = _extra(field)
        but = "" if extra["secret"] else f", not {text!r}"
        msg = f"{variable} must be {extra['form']}{but}."
        raise SettingsError(msg) from None
    if field.name == "providers" and len(value) > len(set(value)):
        msg = f"{variable} must name each source once, not {text!r}."
        raise SettingsError(msg)
    return value


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

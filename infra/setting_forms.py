"""Forms of settings: what each kind of value may be, and how it is described."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from msgspec import Meta

from domain.messages import MemberRole
from domain.organization.plans import Limits


def form(
    text: str, *, secret: bool = False, shortly: str | None = None
) -> dict[str, Any]:
    """Describe a form for people; the value of a secret is never shown.

    The table of settings has ``shortly`` if it is given.
    """
    return {"form": text, "secret": secret, "shortly": shortly or text}


def between(least: int, most: int) -> Meta:
    """Allow whole numbers, both ends included."""
    return Meta(ge=least, le=most, extra=form(f"a whole number from {least} to {most}"))


DatabaseURL = Annotated[
    str,
    Meta(
        pattern="^postgres(ql)?://",
        extra=form("a postgresql:// address", secret=True),
    ),
]
RedisURL = Annotated[
    str,
    Meta(
        pattern="^(rediss?|unix)://",
        extra=form("a redis://, rediss:// or unix:// address", secret=True),
    ),
]
WebAddress = Annotated[
    str,
    Meta(pattern="^https?://[^/]+", extra=form("an http:// or https:// address")),
]
OwnAddress = Annotated[
    str,
    Meta(
        pattern="^https?://[^/?#@]+$",
        extra=form("an address without a path, such as https://goatherd.example.com"),
    ),
]
MailServerURL = Annotated[
    str,
    Meta(
        pattern=r"^smtp://([^@/?#]*@)?(\[[0-9a-fA-F:.]+\]|[^@/?#:\[\]]+)(:[0-9]{1,5})?/?"
        r"\?(tls=(starttls|tls|none)&)?from=[^&#]*(@|%40)[^&#]+"
        r"(&tls=(starttls|tls|none))?$",
        extra=form(
            "an address such as smtp://user:password@mail.example.com:587"
            "?from=goatherd@example.com&tls=starttls",
            secret=True,
        ),
    ),
]
IssuerAddress = Annotated[
    str,
    Meta(
        pattern="^https?://[^/?#]+[^?#]*$",
        extra=form("the https:// address of an OpenID provider"),
    ),
]
CallbackAddress = Annotated[
    str,
    Meta(
        pattern="^https?://[^/?#]+/connect/callback$",
        extra=form("the address of this installation, with /connect/callback"),
    ),
]
Origin = Annotated[str, Meta(pattern="^https?://[^/,]+$")]
Origins = Annotated[
    tuple[Origin, ...],
    Meta(extra=form("addresses like https://app.example.com, separated by commas")),
]
HostName = Annotated[str, Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
HostNames = Annotated[
    tuple[HostName, ...],
    Meta(extra=form("names of hosts like tiktokcdn.com, separated by commas")),
]
WebhookHost = Annotated[
    str,
    Meta(pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f]*:[0-9a-f:.]+)$"),
]
WebhookHosts = Annotated[
    tuple[WebhookHost, ...],
    Meta(extra=form("names of hosts like n8n.internal, separated by commas")),
]
Network = Annotated[str, Meta(pattern=r"^[0-9a-fA-F:.]+(/[0-9]{1,3})?$")]
Networks = Annotated[
    tuple[Network, ...],
    Meta(extra=form("addresses and networks like 10.0.0.0/8, separated by commas")),
]
FolderPath = Annotated[Path, Meta(extra=form("a folder"))]
RecordingsPath = Annotated[Path, Meta(extra=form("a file or a folder"))]
Text = Annotated[str, Meta(extra=form("text"))]
SecretText = Annotated[str, Meta(extra=form("text", secret=True))]
ApiKeyText = Annotated[
    str,
    Meta(
        pattern=r"^[\x21-\x7e]+$",
        extra=form("letters, digits and signs without blanks", secret=True),
    ),
]
SigningSecret = Annotated[
    str, Meta(min_length=32, extra=form("at least 32 characters", secret=True))
]
MasterKeyText = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9+/]{43}=$",
        extra=form("32 bytes in base64, which are 44 characters", secret=True),
    ),
]
Speed = Annotated[
    float, Meta(gt=0, le=1e9, extra=form("a number above 0 and up to 1e9"))
]
ProviderName = Literal[
    "replay", "web", "research", "display", "scrapecreators", "ensembledata"
]
ProviderNames = Annotated[
    tuple[ProviderName, ...],
    Meta(
        extra=form(
            f"names separated by commas: {', '.join(get_args(ProviderName))}",
            shortly="names of [sources](sources.md), separated by commas",
        )
    ),
]
DailyBudget = Annotated[int, between(0, 1_000_000_000)]
PriceText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})? [A-Z]{3}$",
        extra=form("an amount and a currency, such as 0.002 USD"),
    ),
]
PlansObject = Annotated[
    dict[str, Limits],
    Meta(
        extra=form(
            'a JSON object of plans, such as {"free": {"max_creators_per_org": 9}}'
        )
    ),
]
RolesObject = Annotated[
    dict[str, MemberRole],
    Meta(
        extra=form(
            'a JSON object of roles, such as {"herders": "member"}, each of them '
            "owner, admin, member or viewer",
            shortly='a JSON object, such as {"herders": "member", "chiefs": "admin"}',
        )
    ),
]
OrganizationId = Annotated[UUID, Meta(extra=form("the id of an organization"))]
YesOrNo = Annotated[bool, Meta(extra=form("true or false"))]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    Meta(extra=form("debug, info, warning or error")),
]
LogFormat = Annotated[Literal["console", "json"], Meta(extra=form("console or json"))]

"""The bodies of requests about shared links, and the answer with an address."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.bodies.fields_to_change import FieldsToChange
from api.http.errors import Code, field_error
from domain.analytics.periods import NamedPeriod
from domain.share.events import HiddenPart, ShareScope
from domain.share.origins import MOST_ORIGINS
from projections.shares import Share

_Name = Annotated[
    str,
    Meta(max_length=100, description="A name for the list, such as whom it is for."),
]
_Hide = Annotated[
    tuple[HiddenPart, ...],
    Meta(
        max_length=2,
        description="The parts that the page leaves out: `money` is the cost of a "
        "campaign, and `notes` are notes and descriptions.",
    ),
]
_Password = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=200,
        examples=["green meadow"],
    ),
]
_ExpiresAt = Annotated[datetime, Meta(tz=True)]
_Origins = Annotated[
    tuple[Annotated[str, Meta(max_length=300)], ...],
    Meta(
        max_length=MOST_ORIGINS,
        description="The sites that may show the page in a frame.",
        examples=[["https://www.example.com"]],
    ),
]
_AsOf = Annotated[
    str | int,
    Meta(
        description="`now`, or a time or a position of the log: the page stands still "
        "there; null for one that moves on.",
        examples=["now"],
    ),
]


class ShareTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The creator, campaign, project or report that a page is about."""

    type: ShareScope
    id: UUID


class NewShare(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_": "from"},
):
    """A link to make.

    ``scope`` is a kind, with the id in ``scope_id``, or an object with both. Without
    days and without ``rolling`` the page of a campaign with a first day shows the
    campaign's days, and other pages the last 28 days. A page about a report shows its
    newest issue, or with ``as_of`` the newest one of then.
    """

    scope: Annotated[ShareScope | ShareTarget, Meta(examples=["project"])]
    scope_id: UUID | None = None
    name: _Name = ""
    from_: date | None = None
    to: date | None = None
    rolling: NamedPeriod | None = None
    hide: _Hide = ()
    password: _Password | None = None
    expires_at: _ExpiresAt | None = None
    as_of: _AsOf | None = None
    embed: bool = False
    origins: _Origins = ()

    @property
    def target(self) -> ShareTarget:
        """Return the thing that the page is about.

        Raises:
            ApiError: ``invalid_body``, if it has no id, or two.
        """
        if isinstance(self.scope, ShareTarget):
            if self.scope_id is None:
                return self.scope
            reason = "must be left out where scope has an id"
            raise field_error(Code.INVALID_BODY, "/scope_id", reason)
        if self.scope_id is None:
            raise field_error(Code.INVALID_BODY, "/scope_id", "is required")
        return ShareTarget(type=self.scope, id=self.scope_id)


class ShareChange(FieldsToChange, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The fields to change; others stay. At least one field is needed."""

    name: _Name | UnsetType = UNSET
    from_: date | UnsetType | None = UNSET
    to: date | UnsetType | None = UNSET
    rolling: NamedPeriod | UnsetType | None = UNSET
    hide: _Hide | UnsetType = UNSET
    password: _Password | UnsetType | None = UNSET
    expires_at: _ExpiresAt | UnsetType | None = UNSET
    embed: bool | UnsetType = UNSET
    origins: _Origins | UnsetType = UNSET


class MadeShare(Share, frozen=True, kw_only=True):
    """A new link; only this answer has its ``url``."""

    url: str

"""Shared links: the state of one, the events that commands cause, and their effects."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import asdict, replace

from domain.analytics.periods import NamedPeriod
from domain.decisions import check_name
from domain.errors import NotFoundError
from domain.messages import changed_fields, copied, set_fields
from domain.share import commands as c
from domain.share import events as e
from domain.share.errors import InvalidShareError
from domain.share.origins import checked_origins
from domain.texts import EarlierTextsForgotten, texts_after
from domain.thing import Thing

# The fields of a shared link that people can change, and the texts among them.
DETAILS = (
    *("name", "first_day", "last_day", "rolling", "hide", "has_password"),
    *("expires_at", "embed", "origins"),
)
TEXTS = ("name", "origins")
# The period of a link without days: nobody chose any, and its thing has none.
USUAL_PERIOD: NamedPeriod = "28d"

OwnDays = tuple[date | None, date | None]


class ShareState(e.ShareFields, frozen=True, kw_only=True):
    """A shared link after its history; ``passwords`` counts changes of the password."""

    version: int = 1
    passwords: int = 0
    is_revoked: bool = False

    def is_over(self, now: datetime) -> bool:
        """Return whether the link was revoked, or has expired."""
        expired = self.expires_at is not None and self.expires_at <= now
        return self.is_revoked or expired


def make(
    command: c.MakeShare, *, project_id: UUID, own_days: OwnDays = (None, None)
) -> list[e.ShareEvent]:
    """Return the event of a new link.

    ``own_days`` are the first and the last day of its campaign. They are those of the
    page where nobody chose others.

    Raises:
        InvalidShareError: the days, the end or the origins are not possible.
    """
    details = _checked(asdict(command), at=command.at, scope=command.scope)
    has_days = details["first_day"] or details["last_day"] or details["rolling"]
    if command.scope != "report" and not has_days:
        if own_days[0] is None:
            details["rolling"] = USUAL_PERIOD
        else:
            details["first_day"], details["last_day"] = own_days
    made = copied(command, e.ShareMade, project_id=project_id)
    return [replace(made, **{name: details[name] for name in DETAILS})]


def decide(share: ShareState | None, command: c.ShareCommand) -> list[e.ShareEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no link with this id, or it was revoked.
        InvalidShareError: the days, the end or the origins are not possible.
    """
    if share is None:
        raise NotFoundError("share")
    organization_id = share.organization_id
    if isinstance(command, c.RevokeShare):
        revoked = e.ShareRevoked(organization_id=organization_id)
        return [] if share.is_revoked else [revoked]
    if share.is_revoked:
        raise NotFoundError("share")
    given = set_fields(command, DETAILS)
    if given.get("rolling") and not (given.get("first_day") or given.get("last_day")):
        # A period takes the place of days, and days that of a period.
        given |= {"first_day": None, "last_day": None}
    elif (given.get("first_day") or given.get("last_day")) and "rolling" not in given:
        given["rolling"] = None
    details = {name: getattr(share, name) for name in DETAILS} | given
    has_days = details["first_day"] or details["last_day"] or details["rolling"]
    if share.scope != "report" and not has_days:
        given["rolling"] = details["rolling"] = USUAL_PERIOD
    at = command.at if given.get("expires_at") else None
    checked = _checked(details, at=at, scope=share.scope)
    changed = changed_fields(
        c.ChangeShare(at=command.at, **{name: checked[name] for name in given}),
        share,
        DETAILS,
    )
    if not changed and not command.password_changed:
        return []
    return [
        e.ShareChanged(
            organization_id=organization_id,
            password_changed=command.password_changed,
            **changed,
        )
    ]


def texts_of(event: EarlierTextsForgotten) -> dict[str, Any]:
    """Return the texts of a link after its earlier texts were forgotten."""
    kept = texts_after(event, TEXTS)
    # A link without a name has none to forget.
    name = event.texts.get("name", "")
    return {**kept, "name": name, "origins": tuple(kept["origins"])}


def _after_change(share: ShareState, event: e.ShareChanged) -> dict[str, Any]:
    passwords = share.passwords + event.password_changed
    return {"passwords": passwords, **set_fields(event, DETAILS)}


_SHARE = Thing(
    "share",
    ShareState,
    e.ShareEvent,
    made=e.ShareMade,
    changed=e.ShareChanged,
    ended=e.ShareRevoked,
    details=DETAILS,
    ends="is_revoked",
    effects={
        e.ShareChanged: _after_change,
        EarlierTextsForgotten: lambda _, event: texts_of(event),
    },
)
evolve, share_of = _SHARE.evolve, _SHARE.of


def _checked(
    details: Mapping[str, Any], *, at: datetime | None, scope: e.ShareScope
) -> dict[str, Any]:
    """Return the details as they are stored.

    Raises:
        InvalidShareError: they contradict each other, or the end is before ``at``.
    """
    first, last, rolling = (
        details[name] for name in ("first_day", "last_day", "rolling")
    )
    if details["name"]:
        check_name(details["name"])
    if scope == "report":
        for field, given in (("from", first), ("to", last), ("rolling", rolling)):
            if given:
                reason = "must be left out for a report, which has its own days"
                raise InvalidShareError(field, reason)
    if rolling and (first or last):
        reason = "must be left out where days are given"
        raise InvalidShareError("rolling", reason)
    if last and not first:
        raise InvalidShareError("from", "is required where to is given")
    if first and last and first > last:
        raise InvalidShareError("from", f"must not be after to, which is {last}")
    expires_at = details["expires_at"]
    if at is not None and expires_at is not None and expires_at <= at:
        raise InvalidShareError("expires_at", "must lie in the future")
    origins = checked_origins(tuple(details["origins"]))
    if details["embed"] and not origins:
        reason = "are required where the page may be embedded"
        raise InvalidShareError("origins", reason)
    hide = tuple(dict.fromkeys(details["hide"]))
    return {**details, "origins": origins, "hide": hide}

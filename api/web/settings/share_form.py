"""The form of a shared link: what people choose, and the body that the API takes."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from api.http.bodies.form_body import typed
from api.http.errors import Code, field_error
from api.web.kit.forms.ends import end_of_day
from projections.shares import Share

ScopeName = Literal["creator", "campaign", "project", "report"]
# The choice of days of one's own; the others are names of periods.
OWN_DAYS = "own"


class ShareForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The choices of a link; ``days`` is a period, or ``own`` for ``from`` and ``to``.

    ``frozen`` makes the page of a new link stand still.
    ``no_password`` removes the password of a link that has one.
    """

    scope: str = ""
    scope_id: str = ""
    name: Annotated[str, typed("Name")] = ""
    days: str = "28d"
    from_: str = field(default="", name="from")
    to: str = ""
    hide: list[str] = []
    password: str = ""
    no_password: bool = False
    until: str = ""
    frozen: bool = False
    origins: Annotated[str, typed("Sites")] = ""
    made_from: str = ""

    def body(self, time_zone: str) -> dict[str, Any]:
        """Return the fields that a new link and a changed one have.

        Raises:
            ApiError: ``invalid_body``, if a date is not valid.
        """
        is_own = self.days == OWN_DAYS
        has_days = self.scope != "report"
        origins = self.origins.split()
        found: dict[str, Any] = {
            "name": self.name.strip(),
            "from": _day("from", self.from_) if is_own and has_days else None,
            "to": _day("to", self.to) if is_own and has_days else None,
            "rolling": self.days if has_days and not is_own else None,
            "hide": self.hide,
            "expires_at": end_of_day(self.until, time_zone),
            "origins": origins,
            "embed": bool(origins),
        }
        if is_own and has_days and not self.from_:
            message = "is required for days of your own"
            raise field_error(Code.INVALID_BODY, "/from", message)
        if self.no_password:
            return {**found, "password": None}
        return {**found, "password": self.password} if self.password else found


def form_of(share: Share, *, time_zone: str) -> ShareForm:
    """Return the form of a link as it is."""
    until = ""
    if share.expires_at is not None:
        zone = ZoneInfo(time_zone)
        until = str((share.expires_at - timedelta(seconds=1)).astimezone(zone).date())
    return ShareForm(
        scope=share.scope,
        name=share.name,
        days=share.rolling or OWN_DAYS,
        from_=str(share.from_ or ""),
        to=str(share.to or ""),
        hide=[*share.hide],
        until=until,
        origins="\n".join(share.origins) if share.embed else "",
        made_from=str(share.version),
    )


def _day(name: str, text: str) -> str | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        message = "must be a date, such as 2027-01-31"
        raise field_error(Code.INVALID_BODY, f"/{name}", message) from None

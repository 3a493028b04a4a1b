"""The form of a new key, of the organization or of a person."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.errors import Code, field_error


class KeyForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to create; it is valid to the end of the day ``until``, or for ever."""

    name: Annotated[str, typed("Name")] = ""
    scopes: list[str] = []
    until: Annotated[str, typed("Valid until the end of")] = ""

    def body(self, time_zone: str) -> dict[str, Any]:
        """Return the body of the request; days end as in the time zone.

        Raises:
            ApiError: ``invalid_body``, if ``until`` is not a day.
        """
        return {
            "name": self.name.strip(),
            "scopes": self.scopes,
            "expires_at": _end_of_day(self.until, time_zone),
        }


def _end_of_day(text: str, time_zone: str) -> str | None:
    """Return the end of a day in a zone, None without a day.

    Raises:
        ApiError: ``invalid_body``, if the text is not a day.
    """
    if not text:
        return None
    try:
        after = date.fromisoformat(text) + timedelta(days=1)
        return datetime.combine(after, time(), ZoneInfo(time_zone)).isoformat()
    except (ValueError, OverflowError):
        message = "must be a date, such as 2027-01-31"
        raise field_error(Code.INVALID_BODY, "/expires_at", message) from None

"""The form of a new key, of the organization or of a person."""

from typing import Annotated, Any

from msgspec import Struct

from api.http.bodies.form_body import typed
from api.web.kit.forms.ends import end_of_day


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
            "expires_at": end_of_day(self.until, time_zone),
        }

"""The form of a campaign, and the request that is made from it."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.web.kit.forms.as_of_fields import to_api_time
from projections.campaigns.queries import Campaign

SHOWN_ERRORS = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}


class CampaignForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A campaign as typed; ``version`` is the version that the form was made from.

    ``target_on`` is the last day on which the target may be reached, and
    ``target_scope`` says which views count towards it.
    """

    project_id: str = ""
    name: Annotated[str, typed("Name")] = ""
    description: Annotated[str, typed("Description")] = ""
    starts_on: str = ""
    ends_on: str = ""
    target_views: Annotated[str, typed("Views to reach")] = ""
    target_on: str = ""
    target_scope: str = "gained"
    version: str = ""


def form_of(campaign: Campaign, *, time_zone: str) -> CampaignForm:
    target = campaign.target_at
    return CampaignForm(
        project_id=str(campaign.project_id),
        name=campaign.name,
        description=campaign.description or "",
        starts_on=_text(campaign.starts_on),
        ends_on=_text(campaign.ends_on),
        target_views=""
        if campaign.target_views is None
        else str(campaign.target_views),
        target_on="" if target is None else _last_day(target, time_zone),
        target_scope=campaign.target_scope,
        version=str(campaign.version),
    )


def body_of(
    form: CampaignForm, *, time_zone: str, was: Campaign | None = None
) -> dict[str, object]:
    """Return the request; a day becomes its end in the organization's zone.

    If the day of the target is unchanged, its time stays as it ``was``.
    """
    digits = form.target_views.replace(",", "").replace(" ", "")
    on = form.target_on.strip()
    target_at: object = None
    if was is not None and was.target_at and on == _last_day(was.target_at, time_zone):
        target_at = was.target_at
    elif on:
        target_at = to_api_time(on, time_zone=time_zone, is_end=True)
    return {
        "name": form.name.strip(),
        "description": form.description.strip() or None,
        "starts_on": form.starts_on or None,
        "ends_on": form.ends_on or None,
        "target_views": int(digits) if digits.isdecimal() else digits or None,
        "target_at": target_at,
        "target_scope": form.target_scope,
    }


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _last_day(target: datetime, time_zone: str) -> str:
    return target.astimezone(ZoneInfo(time_zone)).date().isoformat()

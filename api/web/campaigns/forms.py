"""The fields of a campaign, its form, and the request that is made from it."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec.structs import asdict

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.web.kit.forms.as_of_fields import to_api_time
from api.web.kit.forms.fields import Fields, FormField, VersionedForm
from projections.campaigns.queries import Campaign

SHOWN_ERRORS = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}


CAMPAIGN = Fields(
    Campaign,
    "/campaigns",
    {
        "name": FormField(label="Name", is_trimmed=True, is_required=True),
        "description": FormField(label="Description", type="long", is_trimmed=True),
        "starts_on": FormField(label="First day", type="day"),
        "ends_on": FormField(label="Last day", type="day"),
        "target_views": FormField(label="Views to reach", type="number"),
        "target_scope": FormField(label="Views that count", is_required=True),
    },
)


class CampaignForm(VersionedForm, frozen=True, kw_only=True):
    """A campaign as typed.

    ``target_on`` is the last day on which the target may be reached, and
    ``target_scope`` says which views count towards it.
    """

    project_id: str = ""
    name: Annotated[str, typed(CAMPAIGN["name"].label)] = ""
    description: Annotated[str, typed(CAMPAIGN["description"].label)] = ""
    starts_on: str = ""
    ends_on: str = ""
    target_views: Annotated[str, typed(CAMPAIGN["target_views"].label)] = ""
    target_on: str = ""
    target_scope: str = "gained"


def form_of(campaign: Campaign, *, time_zone: str) -> CampaignForm:
    target = campaign.target_at
    return CampaignForm(
        **CAMPAIGN.texts(campaign),
        project_id=str(campaign.project_id),
        target_on="" if target is None else _last_day(target, time_zone),
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
    texts = {**asdict(form), "target_views": digits}
    return {**CAMPAIGN.read(texts), "target_at": target_at}


def _last_day(target: datetime, time_zone: str) -> str:
    return target.astimezone(ZoneInfo(time_zone)).date().isoformat()

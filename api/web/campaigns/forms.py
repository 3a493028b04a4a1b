"""The fields of a campaign, its form, and the request that is made from it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.http.errors import FieldProblem, fields_error
from api.web.kit.forms.as_of_fields import to_api_time
from api.web.kit.forms.fields import VersionedForm
from api.web.kit.forms.numbers import read_count, read_number
from domain.money import CURRENCIES, digits_of
from projections.campaigns.queries import Campaign

SHOWN_ERRORS = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}

LABELS: Final = {
    "name": "Name",
    "description": "Description",
    "creators": "Creators",
    "starts_on": "First day",
    "ends_on": "Last day",
    "target_views": "Views",
    "target_posts": "Posts",
    "target_engagement": "Likes, comments, shares and saves",
    "cost": "Cost",
    "currency": "Currency",
}
TARGETS: Final = ("target_views", "target_posts", "target_engagement")

_LONGEST_NAME = 200
_LONGEST_DESCRIPTION = 5_000
_MOST = 2**53 - 1


class CampaignForm(VersionedForm, frozen=True, kw_only=True):
    """A campaign as typed.

    ``ends_on`` is the last day of the campaign and of its target, and ``target_scope``
    says which views count towards it. ``creators`` are typed handles, and ``creator``
    the ids of those that were picked; both are of a new campaign. ``add_new`` has the
    handles, with blanks between, that are to be added to the project.
    """

    project_id: str = ""
    name: Annotated[str, typed(LABELS["name"])] = ""
    description: Annotated[str, typed(LABELS["description"])] = ""
    creators: Annotated[str, typed(LABELS["creators"])] = ""
    creator: list[str] = []  # noqa: RUF012 - msgspec copies it
    add_new: str = ""
    starts_on: str = ""
    ends_on: str = ""
    target_views: Annotated[str, typed(LABELS["target_views"])] = ""
    target_posts: Annotated[str, typed(LABELS["target_posts"])] = ""
    target_engagement: Annotated[str, typed(LABELS["target_engagement"])] = ""
    target_scope: str = "gained"
    cost: Annotated[str, typed(LABELS["cost"])] = ""
    currency: str = ""


def form_of(campaign: Campaign) -> CampaignForm:
    return CampaignForm(
        project_id=str(campaign.project_id),
        name=campaign.name,
        description=campaign.description or "",
        starts_on=_day_text(campaign.starts_on),
        ends_on=_day_text(campaign.ends_on),
        target_views=_number_text(campaign.target_views),
        target_posts=_number_text(campaign.target_posts),
        target_engagement=_number_text(campaign.target_engagement),
        target_scope=campaign.target_scope,
        cost=_cost_text(campaign),
        currency=campaign.currency or "",
        version=str(campaign.version),
    )


def body_of(
    form: CampaignForm,
    *,
    time_zone: str,
    was: Campaign | None = None,
    others: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the request; the target ends with the last day, in the zone.

    If the last day is unchanged, the time of the target stays as it ``was``. ``others``
    are problems with fields that are not in the request.

    Raises:
        ApiError: ``invalid_body``, naming each wrong field.
    """
    problems: dict[str, str] = {}

    def read(name: str, reader: Callable[[str], Any]) -> Any:  # noqa: ANN401 - any field
        text = getattr(form, name).strip()
        try:
            return reader(text) if text else None
        except ValueError as error:
            problems[name] = str(error)
            return None

    name, description = form.name.strip(), form.description.strip()
    if not name:
        problems["name"] = "must not be empty"
    if len(name) > _LONGEST_NAME:
        problems["name"] = f"must be at most {_LONGEST_NAME} characters long"
    if len(description) > _LONGEST_DESCRIPTION:
        most = f"{_LONGEST_DESCRIPTION:,}"
        problems["description"] = f"must be at most {most} characters long"
    first, last = read("starts_on", _day), read("ends_on", _day)
    if first is not None and last is not None and last < first:
        problems["ends_on"] = "must not be before the first day"
    numbers = {target: read(target, read_count) for target in TARGETS}
    currency = read("currency", _currency)
    cost = None
    if "currency" not in problems:
        cost = read("cost", lambda text: _minor(text, currency))
    if cost is not None and currency is None:
        problems["currency"] = "must be chosen for a cost"
    problems |= others or {}
    if problems:
        found = [FieldProblem(f"/{at}", text) for at, text in problems.items()]
        raise fields_error(Code.INVALID_BODY, found)
    return {
        "name": name,
        "description": description or None,
        "starts_on": first,
        "ends_on": last,
        **numbers,
        "target_at": _target_at(last, time_zone=time_zone, was=was),
        "target_scope": form.target_scope,
        "cost_minor": cost,
        "currency": currency,
    }


def other_end(campaign: Campaign, *, time_zone: str) -> date | None:
    """Return the last day of the target, if it is not that of the campaign."""
    if campaign.target_at is None:
        return None
    last = campaign.target_at.astimezone(ZoneInfo(time_zone)).date()
    return None if last == campaign.ends_on else last


def _target_at(
    last: date | None, *, time_zone: str, was: Campaign | None
) -> datetime | str | None:
    if was is not None and was.target_at is not None and was.ends_on == last:
        return was.target_at
    if last is None:
        return None
    return to_api_time(last.isoformat(), time_zone=time_zone, is_end=True)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = "must be a day, such as 2026-01-31"
        raise ValueError(msg) from None


def _currency(text: str) -> str:
    code = text.upper()
    if code not in CURRENCIES:
        msg = "must be the three letters of a currency, such as EUR"
        raise ValueError(msg)
    return code


def _minor(text: str, currency: str | None) -> int:
    """Return an amount in the currency's smallest unit; an unknown one has two digits.

    Raises:
        ValueError: the text is no amount of the currency.
    """
    digits = digits_of(currency or "")
    amount = read_number(text, decimals=digits)
    if amount is None or amount.scaleb(digits) > _MOST:
        such = "1,200 or 1.2k" if not digits else f"1,200, {Decimal(99):.{digits}f}"
        msg = f"must be an amount, such as {such}"
        raise ValueError(msg)
    return int(amount.scaleb(digits))


def _day_text(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _number_text(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _cost_text(campaign: Campaign) -> str:
    if campaign.cost_minor is None:
        return ""
    digits = digits_of(campaign.currency or "")
    return f"{Decimal(campaign.cost_minor).scaleb(-digits):,.{digits}f}"

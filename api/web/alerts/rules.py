"""/alerts/rules: the rules, new ones, and what they would have found."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct, field

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.routes.alerts.rules import PreviewRow
from api.web.alerts.page import TABS, all_rules
from api.web.kit.forms.fields import VersionedForm
from api.web.kit.forms.project_choices import Choice, all_projects, some_campaigns
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.page_query import PageQuery
from domain.alert.conditions import BOUNDS, CONDITIONS, ConditionType
from domain.alert.events import IN_APP
from domain.alert.precedence import rules_before
from projections.alerts.queries import AlertRule
from projections.channels.queries import Channel
from projections.creators.creator import Creator

PATH: Final = "/alerts/rules"
# The numbers of conditions as forms name them.
NUMBERS: Final[Mapping[str, str]] = {
    "days": "Days",
    "hours": "Hours",
    "intervals": "Intervals between two scrapes",
    "z": "Distance from the usual, in robust standard deviations",
    "min_views": "Least views of a day that count",
    "percent": "Percent",
    "posts": "Posts in a day",
    "low_videos": "Videos with few views",
    "low_views": "Few views are fewer than",
}
assert NUMBERS.keys() == BOUNDS.keys()
_CHOICES: Final[Mapping[ConditionType, str]] = {
    "stopped_posting": "A creator stopped posting",
    "no_post_for_days": "A creator posts nothing for days",
    "creator_not_seen": "A creator is not seen for long",
    "creator_disabled": "A creator is disabled",
    "identity_changed": "Another account has the handle",
    "views_spike": "Views of a day jump",
    "views_drop": "Views of a day fall",
    "followers_drop_percent": "Followers are lost",
    "over_posting": "Too many posts in a day",
    "video_unavailable": "A counted video is gone",
    "limit_near": "A limit of the plan is near",
    "source_failing": "A source fails",
    "import_failed": "An import fails",
    "budget_near": "A source's requests of the day are nearly spent",
    "projection_stalled": "A read model makes no progress",
    "backup_old": "The last backup is old",
    "log_check_failed": "The check of the log finds damage",
}
assert _CHOICES.keys() == CONDITIONS.keys()
_KINDS: Final[Mapping[str, ConditionType]] = {kind: kind for kind in _CHOICES}
_FIRST: Final[ConditionType] = "no_post_for_days"
_SHOWN_ERRORS: Final = {
    *(Code.INVALID_BODY, Code.LIMIT_REACHED, Code.NOT_FOUND, Code.VERSION_CONFLICT),
}


class RuleForm(VersionedForm, frozen=True, kw_only=True):
    """A rule as typed; an empty number is the usual one.

    ``scope`` is its type, and its id behind a colon. With ``chooses_channels`` the form
    had the channels to choose from; without it they stay as they are.
    """

    name: Annotated[str, typed("Name")] = ""
    type: Annotated[str, typed("Condition")] = "no_post_for_days"
    scope: Annotated[str, typed("Watched")] = "org"
    for_minutes: Annotated[str, typed("Minutes before it fires")] = ""
    cool_down_minutes: Annotated[str, typed("Minutes of rest")] = ""
    days: str = ""
    hours: str = ""
    intervals: str = ""
    z: str = ""
    min_views: str = ""
    percent: str = ""
    posts: str = ""
    low_videos: str = ""
    low_views: str = ""
    chooses_channels: bool = False
    channels: list[str] = field(default_factory=list[str])
    act: str = "preview"

    @property
    def kind(self) -> ConditionType:
        """Return the type of condition, that of silence for an unknown one."""
        return _KINDS.get(self.type, _FIRST)

    def body(self) -> dict[str, Any]:
        """Return the body of the request.

        Raises:
            ApiError: ``invalid_body``, if a number is not valid.
        """
        kind = self.kind
        condition: dict[str, Any] = {"type": kind}
        for name in CONDITIONS[kind].defaults:
            number = _number(name, getattr(self, name))
            if number is not None:
                condition[name] = number
        scope_type, _, scope_id = self.scope.partition(":")
        return {
            "name": self.name.strip() or _CHOICES[kind],
            "scope": {"type": scope_type, "id": scope_id or None},
            "condition": condition,
            "for_minutes": _number("for_minutes", self.for_minutes) or 0,
            "cool_down_minutes": _number("cool_down_minutes", self.cool_down_minutes)
            or 0,
            **({"channels": self.channels} if self.chooses_channels else {}),
        }


class NewRuleQuery(PageQuery, frozen=True, kw_only=True):
    """The type of condition of a new rule, and the creator that it is to watch."""

    type: str = ""
    creator_id: str = ""


class NumberField(Struct, frozen=True, kw_only=True):
    """A number of a condition in a form, with its bounds and its usual value."""

    name: str
    label: str
    value: str
    hint: str


_MOST_SHOWN: Final = 100


class RulePages(Controller):
    """The rules of the organization."""

    path = PATH

    @page_route()
    async def rules(self, page: NamedDependency[PageContext]) -> Template:
        """List the rules, with the conditions of another one."""
        rules = await all_rules(page)
        context = {
            "rules": rules,
            "before": {rule.id: rules_before(rule, rules) for rule in rules},
            "choices": _choices(page),
            "tabs_of": TABS,
        }
        return page.show("alerts/rules.html", context)

    @page_route("/new", query=NewRuleQuery)
    async def new(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[NewRuleQuery],
    ) -> Template:
        """Show the form of a rule with a type of condition."""
        scope = f"creator:{choices.creator_id}" if choices.creator_id else "org"
        form = RuleForm(type=choices.type or _FIRST, scope=scope, channels=[*IN_APP])
        return await _show(page, form=form)

    @form_route(form=RuleForm)
    async def make(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Make a rule, or show when it would have fired."""
        form = page.form(RuleForm)
        try:
            rule = form.body()
            if form.act == "preview":
                return await _show(page, form=form, fired=await _preview(page, rule))
            made = await page.send("POST", "/alert-rules", AlertRule, rule)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show(page, form=form, error=error)
        page.flash(f"The rule {made.data.name} was made.")
        return page.go_to(PATH)

    @page_route("/{rule_id:uuid}")
    async def rule(
        self, page: NamedDependency[PageContext], rule_id: FromPath[UUID]
    ) -> Template:
        """Show a rule, and when it would have fired in the last fifteen weeks."""
        rule = (await page.get(f"/alert-rules/{rule_id}", AlertRule)).data
        form = _form_of(rule)
        fired = await _preview(page, form.body())
        return await _show(page, form=form, rule=rule, fired=fired)

    @form_route("/{rule_id:uuid}", form=RuleForm)
    async def change(
        self, page: NamedDependency[PageContext], rule_id: FromPath[UUID]
    ) -> PageResponse:
        """Change a rule, or show when it would have fired with the changes."""
        form, path = page.form(RuleForm), f"/alert-rules/{rule_id}"
        rule = (await page.get(path, AlertRule)).data
        try:
            body = form.body()
            if form.act == "preview":
                fired = await _preview(page, body)
                return await _show(page, form=form, rule=rule, fired=fired)
            await page.send("PATCH", path, AlertRule, body, version=form.made_from)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show(page, form=form, rule=rule, error=error)
        page.flash(f"The rule {body['name']} was saved.")
        return page.go_to(f"{PATH}/{rule_id}")

    @form_route("/{rule_id:uuid}/switch")
    async def switch(
        self, page: NamedDependency[PageContext], rule_id: FromPath[UUID]
    ) -> PageResponse:
        """Switch a rule off, or on again."""
        rule = (await page.get(f"/alert-rules/{rule_id}", AlertRule)).data
        body = {"enabled": not rule.enabled}
        await page.send("PATCH", f"/alert-rules/{rule_id}", AlertRule, body)
        page.flash(f"{rule.name} is {'off' if rule.enabled else 'on'}.")
        return page.go_to(PATH)

    @form_route("/{rule_id:uuid}/remove")
    async def remove(
        self, page: NamedDependency[PageContext], rule_id: FromPath[UUID]
    ) -> PageResponse:
        """Remove a rule."""
        rule = (await page.send("DELETE", f"/alert-rules/{rule_id}", AlertRule)).data
        page.flash(f"The rule {rule.name} was removed.")
        return page.go_to(PATH)


def _number(name: str, typed_text: str) -> float | None:
    """Return a number as typed, None if nothing was.

    Raises:
        ApiError: ``invalid_body``, if it is no number.
    """
    text = typed_text.strip().replace(",", "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        message = "must be a number"
        raise field_error(Code.INVALID_BODY, f"/{name}", message) from None
    return int(number) if number.is_integer() else number


def _form_of(rule: AlertRule) -> RuleForm:
    numbers: dict[str, Any] = {
        name: f"{value:g}"
        for name in CONDITIONS[rule.condition.type].defaults
        if (value := getattr(rule.condition, name)) is not None
    }
    scope = rule.scope
    return RuleForm(
        name=rule.name,
        type=rule.condition.type,
        scope=scope.type if scope.id is None else f"{scope.type}:{scope.id}",
        for_minutes=str(rule.for_minutes or ""),
        cool_down_minutes=str(rule.cool_down_minutes or ""),
        channels=rule.channels,
        version=str(rule.version),
        **numbers,
    )


def _choices(page: PageContext) -> list[tuple[ConditionType, str]]:
    """Return the types of condition that the user may choose, in words."""
    return [
        (kind, words)
        for kind, words in _CHOICES.items()
        if page.operates or not CONDITIONS[kind].for_operators
        if page.sees_all or "project" in CONDITIONS[kind].scopes
    ]


def _fields(form: RuleForm) -> list[NumberField]:
    """Return the numbers of the form's condition."""
    fields: list[NumberField] = []
    for name, usual in CONDITIONS[form.kind].defaults.items():
        least, most = BOUNDS[name]
        hint = f"From {least:,g} to {most:,.0f}; {usual:,g} if it is left empty."
        fields.append(
            NumberField(
                name=name, label=NUMBERS[name], value=getattr(form, name), hint=hint
            )
        )
    return fields


async def _scopes(page: PageContext, form: RuleForm) -> list[Choice]:
    """Return what the rule may watch: values of the form, and words."""
    allowed = CONDITIONS[form.kind].scopes
    found: list[Choice] = []
    if page.sees_all:
        found.append(("org", "The whole organization"))
    if "project" in allowed:
        projects = await all_projects(page)
        found += [(f"project:{each.id}", f"Project {each.name}") for each in projects]
    if "campaign" in allowed:
        found += (await some_campaigns(page)).choices("campaign:", "Campaign ")
    kind, _, thing = form.scope.partition(":")
    if form.scope not in dict(found) and kind != "org":
        words = f"One {kind}"
        if kind == "creator" and "creator" in allowed:
            creator = (await page.get(f"/creators/{thing}", Creator)).data
            words = f"@{creator.tiktok_handle}"
        found.append((form.scope, words))
    return found


async def _channels(page: PageContext) -> list[Channel] | None:
    """Return the channels that a rule may name, None for those who don't see them."""
    if not (page.may("admin") and page.sees_all):
        return None
    got = await page.get("/channels", list[Channel], limit=100)
    return [each for each in got.data if each.kind != "creator_email"]


async def _preview(page: PageContext, rule: dict[str, Any]) -> list[PreviewRow]:
    got = await page.send(
        "POST",
        "/alert-rules/preview",
        list[PreviewRow],
        {"rule": rule},
        key_suffix=None,
    )
    # The newest are shown first, and a page has room for so many.
    return got.data[::-1][:_MOST_SHOWN]


async def _show(
    page: PageContext,
    *,
    form: RuleForm,
    rule: AlertRule | None = None,
    fired: list[PreviewRow] | None = None,
    error: ApiError | None = None,
) -> Template:
    """Show the form of a rule, which is new if there is none yet."""
    kind = CONDITIONS[form.kind]
    context: dict[str, Any] = {
        "rule": rule,
        "form": form,
        "condition": _CHOICES[form.kind],
        "choices": _choices(page),
        "fields": _fields(form),
        "fired": fired,
        "has_history": kind.has_history,
        "channels": await _channels(page),
        "scopes": await _scopes(page, form),
        "tabs_of": TABS,
    }
    return page.show("alerts/rule.html", context, error=error)

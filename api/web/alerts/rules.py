"""/alerts/rules: the rules, new ones, and what they would have found."""

from typing import Annotated, Any, Final, get_args
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.routes.alerts.rules import PreviewRow
from api.web.alerts.page import TABS, all_rules
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from domain.alert.conditions import CONDITIONS, ConditionType
from projections.alerts.queries import AlertRule

PATH: Final = "/alerts/rules"
# The types that people choose, in words, with the number that they change most.
CHOICES: Final[tuple[tuple[ConditionType, str, str], ...]] = (
    ("no_post_for_days", "No post for some days", "days"),
    ("creator_not_seen", "Not seen for some intervals", "intervals"),
    ("views_spike", "Views jump", "min_views"),
    ("views_drop", "Views fall", "min_views"),
    ("followers_drop_percent", "Followers are lost (percent in 7 days)", "percent"),
    ("over_posting", "Too many posts in a day", "posts"),
    ("source_failing", "A source fails (percent)", "percent"),
    ("limit_near", "A limit of the plan is near (percent)", "percent"),
)
_NUMBER_OF: Final = {kind: name for kind, _, name in CHOICES}
assert set(_NUMBER_OF) <= set(get_args(ConditionType))


class RuleForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as typed; without a number it has the usual one."""

    name: Annotated[str, typed("Name")] = ""
    type: Annotated[str, typed("Condition")] = "no_post_for_days"
    number: Annotated[str, typed("Number")] = ""
    act: str = "preview"


_EMPTY: Final = RuleForm()
_MOST_SHOWN: Final = 100


class RulePages(Controller):
    """The rules of the organization."""

    path = PATH

    @page_route()
    async def rules(self, page: NamedDependency[PageContext]) -> Template:
        """List the rules, with the form for another one."""
        return await _show(page)

    @form_route(form=RuleForm)
    async def make(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Make a rule, or show when it would have fired."""
        form = page.form(RuleForm)
        try:
            rule = _rule_of(form)
            if form.act == "preview":
                return await _show(page, form=form, fired=await _preview(page, rule))
            await page.send("POST", "/alert-rules", AlertRule, rule)
        except ApiError as error:
            if error.code not in {Code.INVALID_BODY, Code.LIMIT_REACHED}:
                raise
            return await _show(page, form=form, error=error)
        page.flash(f"The rule {rule['name']} was made.")
        return page.go_to(PATH)

    @page_route("/{rule_id:uuid}")
    async def history(
        self, page: NamedDependency[PageContext], rule_id: FromPath[UUID]
    ) -> Template:
        """Show when a rule would have fired in the last fifteen weeks."""
        rule = (await page.get(f"/alert-rules/{rule_id}", AlertRule)).data
        body: dict[str, Any] = {
            name: getattr(rule, name)
            for name in (
                *("name", "scope", "condition", "for_minutes", "cool_down_minutes"),
            )
        }
        fired = await _preview(page, body)
        context: dict[str, Any] = {"rule": rule, "fired": fired, "tabs_of": TABS}
        context["has_history"] = CONDITIONS[rule.condition.type].has_history
        return page.show("alerts/rule.html", context)

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


def _rule_of(form: RuleForm) -> dict[str, Any]:
    condition: dict[str, Any] = {"type": form.type}
    number = form.number.strip().replace(",", "")
    if number and form.type in _NUMBER_OF:
        try:
            given = float(number)
        except ValueError:
            message = "must be a number"
            raise field_error(Code.INVALID_BODY, "/number", message) from None
        condition[_NUMBER_OF[form.type]] = int(given) if given.is_integer() else given
    labels = {kind: label for kind, label, _ in CHOICES}
    name = form.name.strip() or labels.get(form.type, form.type)
    return {"name": name, "condition": condition}


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
    form: RuleForm = _EMPTY,
    fired: list[PreviewRow] | None = None,
    error: ApiError | None = None,
) -> Template:
    context = {
        "rules": await all_rules(page),
        "form": form,
        "fired": fired,
        "choices": CHOICES,
        "tabs_of": TABS,
    }
    return page.show("alerts/rules.html", context, error=error)

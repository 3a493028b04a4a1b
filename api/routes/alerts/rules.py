"""/alert-rules: what is watched, and what a rule would have found in the past."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, ClassVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.bodies.fields_to_change import FieldsToChange
from api.http.errors import Code, field_error
from api.http.reading.instants import EARLIEST, NO_INSTANT, instant_named
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, CountedList, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from domain import commands as c
from domain.alert import handlers
from domain.alert.conditions import AlertSubjectType, Condition, completed
from domain.alert.events import IN_APP, AlertEvidence, AlertScope
from domain.alert.findings import AlertFinding, Firing, firings
from domain.alert.rules import check_scope
from domain.scrape.intervals import hours_between
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.alerts.judging import WatchedRule, can_judge, judged
from projections.alerts.queries import (
    AlertRule,
    one_rule,
    page_of_rules,
    rule_from_row,
)
from projections.alerts.rows import RULES
from projections.engine.reader import Reader

READ_MODEL = "alerts"
_JUDGED = ("activity", "analytics", "creator_list", "scrape_runs", "videos")
_MOST_DAYS = 366
_MOST_ROWS = 1_000
_UTC = ZoneInfo("UTC")

_PREVIEW_EXAMPLE = {
    "AlertRulePreview": {"rule": {"condition": {"type": "no_post_for_days", "days": 7}}}
}

RuleName = Annotated[str, Meta(min_length=1, max_length=100)]
AlertRuleScope = Annotated[
    AlertScope,
    Meta(
        description="The whole organization, or one project, campaign or creator by "
        "its id.",
        examples=[{"type": "org"}],
    ),
]
RuleCondition = Annotated[
    Condition,
    Meta(
        description="The type, and the numbers that it needs; a number that is left "
        "out has its default. docs/alerts.md lists types and numbers.",
        examples=[{"type": "no_post_for_days", "days": 7}],
    ),
]
RuleMinutes = Annotated[int, Meta(ge=0, le=43_200)]
RuleChannels = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=36)], ...],
    Meta(
        max_length=10,
        description="`in_app` for the bell, and ids of channels.",
        examples=[["in_app"]],
    ),
]


class NewAlertRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule to make; without a scope it watches the whole organization."""

    name: RuleName
    scope: AlertRuleScope = AlertScope(type="org")
    condition: RuleCondition
    for_minutes: RuleMinutes = 0
    cool_down_minutes: RuleMinutes = 0
    channels: RuleChannels = IN_APP
    enabled: bool = True


class AlertRuleChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; others stay. At least one field is needed."""

    name: RuleName | UnsetType = UNSET
    scope: AlertRuleScope | UnsetType = UNSET
    condition: RuleCondition | UnsetType = UNSET
    for_minutes: RuleMinutes | UnsetType = UNSET
    cool_down_minutes: RuleMinutes | UnsetType = UNSET
    channels: RuleChannels | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class PreviewedRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as it would be made, or one that exists."""

    name: RuleName = "Preview"
    scope: AlertRuleScope = AlertScope(type="org")
    condition: RuleCondition
    for_minutes: RuleMinutes = 0
    cool_down_minutes: RuleMinutes = 0
    channels: RuleChannels = IN_APP
    enabled: bool = True


class AlertRulePreview(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_": "from"},
):
    """A rule, and the stretch of the past to judge, by default the last 15 weeks.

    ``from`` and ``to`` are times or days, both inclusive; days are those of UTC.
    """

    rule: PreviewedRule
    from_: Annotated[str, Meta(max_length=40, examples=["2026-01-01"])] | None = None
    to: Annotated[str, Meta(max_length=40, examples=["2026-03-31"])] | None = None


class PreviewRow(Struct, frozen=True, kw_only=True):
    """A time at which the rule would have fired, about whom, and why.

    `subject_id` is the id of the creator or video, or the name of the source.
    """

    creator_id: UUID | None
    tiktok_handle: str | None
    project_id: UUID | None
    subject_type: AlertSubjectType
    subject_id: str
    at: datetime
    evidence: AlertEvidence


class AlertRuleRoutes(Controller):
    """The list of rules, one rule, and previews."""

    path = "/alert-rules"
    tags = ("Alerts",)
    entities: ClassVar = {"alert_rule": AlertRule}

    @read_route("/", "listAlertRules")
    async def list_alert_rules(
        self, listing: NamedDependency[ListRequest]
    ) -> ListPage[AlertRule]:
        """List the rules of the organization, oldest first.

        Every organization has a rule for each type of condition from the start. People
        who are limited to some projects see these, and those of their projects.
        """
        await listing.caught_up(READ_MODEL)
        return await listing.page(
            "alert_rules",
            lambda limit, after: page_of_rules(
                listing.reader, listing.organization_id, limit=limit, after=after
            ),
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/{rule_id:uuid}", "getAlertRule")
    async def get_alert_rule(
        self,
        request: Request,
        rule_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[AlertRule]:
        """Show one rule."""
        await caught_up(request, reader, READ_MODEL)
        return found(
            "alert_rule", await one_rule(reader, request.organization_id, rule_id)
        )

    @write_route(
        post, "/", "createAlertRule", errors=[Code.LIMIT_REACHED, Code.NOT_FOUND]
    )
    def make_alert_rule(
        self,
        request: Request,
        data: JSONBody[NewAlertRule],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[AlertRule]:
        """Create a rule; it is judged within seconds, and then every five minutes."""
        rule_id = new_id()
        fields = {name: getattr(data, name) for name in data.__struct_fields__}
        command = c.MakeAlertRule(organization_id=request.organization_id, **fields)
        return writer.perform(
            request,
            lambda: handlers.make_rule(rule_id, command),
            lambda _, done: _answer(done, status=201),
        )

    @write_route(patch, "/{rule_id:uuid}", "changeAlertRule", errors=[Code.NOT_FOUND])
    def change_alert_rule(
        self,
        request: Request,
        rule_id: FromPath[UUID],
        data: JSONBody[AlertRuleChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[AlertRule]:
        """Change a rule; its alerts whose condition no longer holds are resolved."""
        fields = {name: getattr(data, name) for name in data.__struct_fields__}
        return _changed(request, writer, rule_id, c.ChangeAlertRule(**fields))

    @write_route(delete, "/{rule_id:uuid}", "deleteAlertRule")
    def remove_alert_rule(
        self,
        request: Request,
        rule_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[AlertRule]:
        """Delete a rule, and resolve its alerts."""
        return _changed(request, writer, rule_id, c.RemoveAlertRule())

    @post(
        "/preview",
        operation_id="previewAlertRule",
        status_code=200,
        opt={"scope": "read", "errors": (), "body_examples": _PREVIEW_EXAMPLE},
    )
    async def preview_alert_rule(
        self,
        request: Request,
        data: JSONBody[AlertRulePreview],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> CountedList[PreviewRow]:
        """Show when a rule would have fired in the past; nothing is stored.

        The past is judged by what is known of it now, oldest firing first, at most
        1,000 of them. Limits, budgets and the state of the installation can be judged
        at present alone, so they have no rows.
        """
        return cast(
            "CountedList[PreviewRow]",
            await writer.answer_reading(
                request, partial(_previewed, request, data, reader)
            ),
        )


async def _previewed(
    request: Request, data: AlertRulePreview, reader: Reader
) -> CountedList[PreviewRow]:
    """Return when a rule would have fired.

    Raises:
        ApiError: ``invalid_body``, if the stretch of the past is not valid, or too
            long.
    """
    rule = data.rule
    condition = completed(rule.condition)
    check_scope(condition, rule.scope)
    now = datetime.now(UTC)
    last = min(_instant("/to", data.to, is_end=True) or now, now)
    first = _instant("/from", data.from_) or last - timedelta(weeks=15)
    if first > last:
        raise field_error(Code.INVALID_BODY, "/from", "must be before `to`")
    if last - first > timedelta(days=_MOST_DAYS):
        raise field_error(
            Code.INVALID_BODY, "/from", f"must be at most {_MOST_DAYS} days before `to`"
        )
    await caught_up(request, reader, *_JUDGED)
    fired: list[Firing] = []
    if can_judge(condition.type):
        organization = await reader.rows(
            request.organization_id,
            b"SELECT time_zone, creator_profiles_hours FROM organizations "
            b"WHERE organization_id = %(organization)s",
            {"organization": request.organization_id},
        )
        ((time_zone, hours),) = organization
        watch = WatchedRule(
            organization_id=request.organization_id,
            condition=condition,
            scope=rule.scope,
            first=first,
            last=last,
            profile_hours=hours_between(
                "creator_profiles", chosen=hours, limits=request.principal.limits
            ),
            time_zone=time_zone,
        )
        fired = firings(
            await _ask(reader, watch),
            for_minutes=rule.for_minutes,
            cool_down_minutes=rule.cool_down_minutes,
            first=first,
            last=last,
        )
    shown = fired[:_MOST_ROWS]
    handles = await _handles(reader, request.organization_id, shown)
    rows = [
        PreviewRow(
            creator_id=each.creator_id,
            tiktok_handle=handles.get(each.creator_id),
            project_id=each.project_id,
            subject_type=each.subject_type,
            subject_id=each.subject_key,
            at=each.at,
            evidence=each.evidence,
        )
        for each in shown
    ]
    return CountedList(rows, total_count=len(fired), limit=_MOST_ROWS, offset=0)


async def _handles(
    reader: Reader, organization_id: UUID, fired: Sequence[Firing]
) -> dict[UUID | None, str]:
    """Return the present handles of the creators, by their ids."""
    ids = {each.creator_id for each in fired if each.creator_id is not None}
    if not ids:
        return {}
    rows = await reader.rows(
        organization_id,
        b"SELECT id, tiktok_handle FROM creator_list "
        b"WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)",
        {"organization": organization_id, "ids": sorted(ids)},
    )
    return dict(rows)


async def _ask(reader: Reader, watch: WatchedRule) -> list[AlertFinding]:
    judging = judged(watch)
    try:
        question = next(judging)
        while True:
            question = judging.send(
                await reader.rows(
                    watch.organization_id, question.text, question.parameters
                )
            )
    except StopIteration as stop:
        return stop.value


def _changed(
    request: Request,
    writer: CommandWriter,
    rule_id: UUID,
    command: c.ChangeAlertRule | c.RemoveAlertRule,
) -> Answer[AlertRule]:
    return writer.perform(
        request,
        lambda: handlers.change_rule(
            rule_id,
            command,
            organization_id=request.organization_id,
            expected_versions=writer.expected_versions(request),
        ),
        lambda _, done: _answer(done, status=200),
    )


def _answer(done: Executed[UUID], *, status: int) -> Answer[AlertRule]:
    row = RULES.after(done.history(done.result))
    assert row is not None
    rule = rule_from_row(row)
    return Answer(rule, status=status, version=rule.version)


def _instant(path: str, text: str | None, *, is_end: bool = False) -> datetime | None:
    """Return a time, or an end of a day.

    Raises:
        ApiError: ``invalid_body``, if the text is neither a time nor a day.
    """
    if text is None:
        return None
    at = instant_named(text, _UTC, is_end=is_end)
    if at is None:
        raise field_error(Code.INVALID_BODY, path, NO_INSTANT)
    return max(at, EARLIEST)

"""/organization: the settings, limits and usage of the organization."""

from typing import Annotated, ClassVar, get_args
from uuid import UUID

from litestar import Controller, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.access.auth import Principal
from api.http.access.rate_limit import RequestLimiter
from api.http.bodies.fields_to_change import FieldsToChange
from api.http.errors import ApiError, Code
from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.projects import Name
from api.routes.usage import Counts, Usage, counts_within, read_counts, usage_of
from application.accounts.sessions import end_sessions_with_password_alone
from domain import commands as c
from domain import events as e
from domain.errors import NotFoundError
from domain.events import JobType
from domain.messages import Event
from domain.organization.decider import OrganizationState, organization_of
from domain.organization.handlers.organizations import change_organization
from domain.organization.plans import Limits
from domain.organization.retention import LEAST_DAYS, MOST_DAYS
from domain.scrape.intervals import LEAST_HOURS, MOST_HOURS, hours_between
from infra.database import AsyncPool
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store, plain_events
from infra.keys.person_secrets import LACKING
from infra.structs import shared_fields
from projections.engine.reader import Reader
from projections.organizations.queries import (
    OrganizationRow,
    OrganizationSettings,
    one_organization,
)

Hours = Annotated[
    int,
    Meta(
        ge=LEAST_HOURS,
        le=MOST_HOURS,
        description="Hours between scheduled scrapes; null for the default. The plan's "
        "minimum still applies.",
    ),
]
RetentionDays = Annotated[
    int,
    Meta(
        ge=LEAST_DAYS,
        le=MOST_DAYS,
        description="Days between a creator's removal and their erasure, which keeps "
        "the figures without a name; null for never.",
    ),
]
TimeZone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        description="An IANA time zone, in which the days of tracking windows begin.",
        examples=["Europe/Vienna"],
    ),
]
_OWN_EVENTS = (
    e.OrganizationCreated
    | e.OrganizationSettingsChanged
    | e.PlanChanged
    | e.OperatorChanged
)


# The settings that the state has under the same names.
_OF_STATE = {*OrganizationSettings.__struct_fields__} & {
    *OrganizationState.__struct_fields__
}


class ScrapeIntervals(Struct, frozen=True, kw_only=True):
    """The hours that apply between scheduled scrapes, varied by up to a tenth.

    They are the requested hours or the default, and not below the plan's minimum.
    """

    creator_profiles: int
    discover_videos: int
    video_stats: int


class Organization(OrganizationSettings, frozen=True, kw_only=True):
    """The organization that the key belongs to.

    ``*_hours`` are the requested hours between scheduled scrapes, null for the default;
    ``scrape_intervals`` are the hours that apply. ``erase_removed_after_days`` is the
    number of days after which removed creators are erased, null for never.
    With ``requires_second_factor`` members without one can do nothing but set it up.
    ``is_operator`` is true if the organization's admin keys operate the whole
    installation. ``usage`` is null for people who are limited to some projects, because
    it counts things of all projects. The version counts changes of the settings and the
    plan, not of the usage.
    """

    scrape_intervals: ScrapeIntervals
    limits: Limits
    usage: Usage | None
    is_operator: bool


class OrganizationChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; all others stay. At least one field is needed."""

    name: Name | UnsetType = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    creator_profiles_hours: Hours | UnsetType | None = UNSET
    discover_videos_hours: Hours | UnsetType | None = UNSET
    video_stats_hours: Hours | UnsetType | None = UNSET
    erase_removed_after_days: RetentionDays | UnsetType | None = UNSET
    requires_second_factor: bool | UnsetType = UNSET


def check_own_second_factor(store: Store, principal: Principal) -> None:
    """Refuse somebody who would lock themselves out; a key of nobody may do it.

    Raises:
        ApiError: ``second_factor_required``.
    """
    if principal.person is None:
        return
    with store.pool.connection() as connection:
        row = connection.execute(LACKING, (principal.person.id,)).fetchone()
    if row is not None and row[0]:
        raise ApiError(
            Code.SECOND_FACTOR_REQUIRED,
            "Set up a second factor or a passkey for yourself first.",
        )


class OrganizationRoutes(Controller):
    """The organization of the key."""

    path = "/organization"
    tags = ("Organization",)
    entities: ClassVar = {"organization": Organization}

    @read_route("/", "getOrganization", versioned=True)
    async def get_organization(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        own: NamedDependency[AsyncPool],
        limiter: NamedDependency[RequestLimiter],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Organization]:
        """Show the organization: its settings, its limits and today's usage.

        A request with If-None-Match is answered with 304 while the settings are
        unchanged, although the usage may have changed.
        """
        organization_id = request.organization_id
        for projection in ("api_keys", "projects"):
            await caught_up(request, reader, projection)
        row = await one_organization(reader, organization_id)
        if row is None:
            # The key was found, so the organization exists and its read model is being
            # rebuilt.
            raise ApiError(Code.PROJECTION_BEHIND, headers={"Retry-After": "1"})
        await limiter.write_counts()
        counts = await read_counts(own, organization_id)
        shown = _shown(
            row, counts, request.principal, limiter, limits=writer.plans[row.plan]
        )
        return Answer(shown, version=shown.version)

    @write_route(
        patch,
        "/",
        "changeOrganization",
        scope="admin",
        errors=[Code.RECENT_PROOF_REQUIRED],
        body_examples={
            "OrganizationChange": {
                "name": "Goats of the Alps",
                "time_zone": "Europe/Vienna",
                "creator_profiles_hours": 48,
                "video_stats_hours": None,
                "erase_removed_after_days": 90,
            }
        },
    )
    def change_organization(
        self,
        request: Request,
        data: JSONBody[OrganizationChange],
        limiter: NamedDependency[RequestLimiter],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Organization]:
        """Rename the organization, or change its time zone or other settings.

        An interval below the plan's minimum is stored, and applies once the plan allows
        it. With `erase_removed_after_days` creators are erased that many days after
        their removal: nothing brings them back. With `requires_second_factor` members
        without a one-time code or a passkey are led to set one up, and their keys are
        refused; somebody without one can't switch it on. Sessions that began with a
        password alone end with it. A personal key can't change it: 403
        `recent_proof_required`.
        """
        organization_id = request.organization_id
        if data.requires_second_factor is not UNSET:
            # The setting decides on who gets in, as a change of members does.
            request.principal.require_recent_proof()
        if data.requires_second_factor is True:
            check_own_second_factor(writer.store, request.principal)

        def present(rows: Rows, done: Executed[UUID]) -> Answer[Organization]:
            counts = rows.ask(lambda cursor: counts_within(cursor, organization_id))
            row = _row(organization_id, done)
            shown = _shown(
                row, counts, request.principal, limiter, limits=writer.plans[row.plan]
            )
            return Answer(shown, version=shown.version)

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            if any(_requires_factor(recorded.event) for recorded in done.events):
                end_sessions_with_password_alone(cursor, organization_id)

        return writer.perform(
            request,
            lambda: change_organization(
                organization_id,
                c.ChangeOrganizationSettings(**asdict(data)),
                plans=writer.plans,
                expected_versions=writer.expected_versions(request),
            ),
            present,
            in_transaction=within,
        )


def _requires_factor(event: Event) -> bool:
    return (
        isinstance(event, e.OrganizationSettingsChanged)
        and event.requires_second_factor is True
    )


def _row(organization_id: UUID, done: Executed[UUID]) -> OrganizationRow:
    history = done.history(organization_id)
    state = organization_of(plain_events(history))
    if state is None:
        raise NotFoundError("organization")
    own = [each for each in history if isinstance(each.event, _OWN_EVENTS)]
    return OrganizationRow(
        id=organization_id,
        **{name: getattr(state, name) for name in _OF_STATE},
        created_at=own[0].recorded_at,
        updated_at=own[-1].recorded_at,
        projects=len(state.projects),
        api_keys=sum(not key.revoked for key in state.keys.values()),
    )


def _shown(
    row: OrganizationRow,
    counts: Counts,
    principal: Principal,
    limiter: RequestLimiter,
    *,
    limits: Limits,
) -> Organization:
    return Organization(
        **shared_fields(OrganizationSettings, row),
        scrape_intervals=ScrapeIntervals(
            **{
                kind: hours_between(
                    kind, chosen=getattr(row, f"{kind}_hours"), limits=limits
                )
                for kind in get_args(JobType)
            }
        ),
        limits=limits,
        usage=None
        if principal.project_ids is not None
        else usage_of(
            counts,
            unwritten=limiter.unwritten(row.id),
            projects=row.projects,
            api_keys=row.api_keys,
            limits=limits,
        ),
        is_operator=principal.is_operator,
    )

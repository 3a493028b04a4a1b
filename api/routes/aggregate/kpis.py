"""/analytics/kpis: the key figures of a project, campaign or creator."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route
from api.routes.aggregate.parameters import (
    OPTIONS,
    CampaignId,
    ProjectId,
    one_of,
    summary_of,
)
from api.routes.analytics.parameters import (
    From,
    PeriodParameter,
    To,
    Zone,
    check_retention,
)
from domain.analytics.buckets import Granularity
from domain.analytics.summaries.kpis import Kpi, kpi
from projections.analytics.summaries.key_figures import (
    KEY_FIGURES,
    KnownShares,
    RangeFigures,
    figures_and_shares,
)
from projections.engine.reader import Reader


class Kpis(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The key figures from ``from`` to ``to``.

    ``views`` is the level at the end; every other figure belongs to the range, by the
    rules of GET /analytics. ``engagement_rate`` is relative to views, and
    ``average_views_per_post`` divides the new views by the number of counted videos
    that were posted until the end. ``active_creators`` counts the creators who posted a
    counted video. ``previous`` has the figures from ``compare_from`` to ``compare_to``
    and is null without ``compare``. ``compare_until`` is the instant of ``compare_to``
    at which these figures end, because the range is not over yet; null if they are of
    whole days. A change has no percentage if it is computed from rounded levels in
    either period.
    """

    from_: date
    to: date
    tz: str
    compare_from: date | None
    compare_to: date | None
    compare_until: datetime | None
    views: Kpi
    new_views: Kpi
    likes: Kpi
    comments: Kpi
    shares: Kpi
    saves: Kpi
    engagement_rate: Kpi
    posts: Kpi
    average_views_per_post: Kpi
    active_creators: Kpi
    new_followers: Kpi


class KpiRoutes(Controller):
    """The key figures of a programme."""

    tags = ("Summaries",)

    @read_route("/analytics/kpis", "getKpis", **OPTIONS)
    async def get_kpis(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        project_id: ProjectId = None,
        campaign_id: CampaignId = None,
        creator_id: Annotated[
            UUID | None,
            QueryParameter(description="The creator, in place of a project."),
        ] = None,
        period: PeriodParameter = None,
        from_: From = None,
        to: To = None,
        tz: Zone = None,
        compare: Annotated[
            Literal["prior_period"] | None,
            QueryParameter(
                description="The period to compare with: the answer also has the "
                "figures of the period before."
            ),
        ] = None,
        granularity: Annotated[
            Granularity,
            QueryParameter(
                description="The unit in which the period before is counted, as in GET "
                "/analytics. A named week or month is counted as such. Whole months "
                "are always compared with whole months."
            ),
        ] = "day",
    ) -> Answer[Kpis]:
        """Show key figures, and their change since the period before.

        A period that is not over is compared with as much of the one before: up to the
        same time of day, at the end of a quarter of an hour.

        Exactly one of ``project_id``, ``campaign_id`` and ``creator_id`` is required.
        docs/summaries.md says what each number means.
        """
        kind, id_ = one_of(
            ("project", project_id),
            ("campaign", campaign_id),
            ("creator", creator_id),
        )
        summary = await summary_of(
            request, reader, kind, id_, from_, to, tz,
            period=period, granularity=granularity,
        )  # fmt: skip
        days = summary.days
        prior = None if compare is None else days.before(now=summary.now)
        if prior is not None:
            check_retention(
                prior,
                request.principal.limits.stats_history_retention_days,
                now=summary.now,
            )
        ranges = [days] if prior is None else [prior, days]
        found, shares = await figures_and_shares(reader, summary.scope, ranges)
        before = None if prior is None else found[0]
        return Answer(
            Kpis(
                from_=days.first,
                to=days.last,
                tz=days.zone.key,
                compare_from=prior and prior.first,
                compare_to=prior and prior.last,
                compare_until=prior and prior.until,
                **_kpis(found[-1], before, shares),
            )
        )


def _kpis(
    now: RangeFigures, before: RangeFigures | None, shares: KnownShares
) -> Mapping[str, Kpi]:
    found = {
        figure: kpi(
            now.values[figure],
            None if before is None else before.values[figure],
            rounded=figure in now.rounded,
            sharpened=figure in now.sharpened,
            previous_rounded=before is not None
            and figure in before.rounded | before.sharpened,
            known_share=shares.profiles if figure == "new_followers" else shares.videos,
            known_from=now.known_from.get(figure),
        )
        for figure in KEY_FIGURES
    }
    active = kpi(
        now.active_creators,
        before and before.active_creators,
        known_share=shares.videos,
    )
    return {**found, "active_creators": active}

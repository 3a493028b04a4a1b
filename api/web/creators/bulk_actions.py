"""Bulk actions on creators, project by project, and the result for each creator."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from api.http.errors import Code, field_error
from api.routes.creators.move import MovePreview
from api.routes.creators.schemas import (
    MOST_AT_ONCE,
    MOST_NEW,
    AddedCreators,
    BulkAnswer,
    QueuedScrape,
)
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.filters import in_words
from api.web.kit.page import PageContext
from api.web.kit.selection import id_in
from domain.errors import NotFoundError
from domain.messages import JobType
from projections.campaigns.queries import Campaign
from projections.creators.creator import Creator
from projections.reports.queries import StoppingReport

OutcomeStatus: TypeAlias = Literal["ok", "skipped", "failed"]
_USUAL_SCRAPES: Sequence[JobType] = ("creator_profiles",)


class BulkOutcome(Struct, frozen=True, kw_only=True):
    """The result for one creator; if nothing was done, the reason."""

    creator_id: str
    handle: str | None
    status: OutcomeStatus
    reason: str | None = None


async def find_selected(
    page: PageContext, texts: Sequence[str]
) -> tuple[list[Creator], list[BulkOutcome]]:
    """Return the selected creators, and a result for each unknown id.

    Raises:
        ApiError: ``invalid_body``, if a value is no id, or there are too many.
    """
    ids = list(dict.fromkeys(id_in(text, "creator_ids") for text in texts))
    if len(ids) > MOST_AT_ONCE:
        message = f"must be at most {MOST_AT_ONCE} at a time"
        raise field_error(Code.INVALID_BODY, "/creator_ids", message)
    if not ids:
        return [], []
    got = await page.get(
        "/creators",
        list[Creator],
        creator_ids=",".join(map(str, ids)),
        status="all",
        limit=MOST_AT_ONCE,
    )
    of = {one.id: one for one in got.data}
    unknown = [
        BulkOutcome(
            creator_id=str(id_),
            handle=None,
            status="failed",
            reason=str(NotFoundError("creator")),
        )
        for id_ in ids
        if id_ not in of
    ]
    return [of[id_] for id_ in ids if id_ in of], unknown


async def each_project(
    page: PageContext,
    creators: Sequence[Creator],
    command: str,
    **fields: Sequence[str],
) -> list[BulkOutcome]:
    """Send a bulk command with its fields for the creators of each project."""
    outcomes: list[BulkOutcome] = []
    for project_id, some in _by_project(creators).items():
        ids = [str(one.id) for one in some]
        handles = {one.id: one.tiktok_handle for one in some}
        path = f"/projects/{project_id}/creators/{command}"
        # Other tags for the same creators are another command.
        values = [f"{name}={each}" for name in fields for each in fields[name]]
        try:
            got = await page.send(
                "POST",
                path,
                BulkAnswer,
                {"creator_ids": ids, **fields},
                key_suffix=_key_suffix(path, [*ids, *values]),
            )
        except ApiRefusedError as error:
            outcomes += [_refused(one, error) for one in some]
            continue
        outcomes += [
            BulkOutcome(
                creator_id=str(one.creator_id),
                handle=handles[one.creator_id],
                status=one.status,
                reason=one.reason and one.reason.replace("_", " "),
            )
            for one in got.data.results
        ]
    return outcomes


async def add_to_campaign(
    page: PageContext, creators: Sequence[Creator], *, campaign_id: UUID
) -> list[BulkOutcome]:
    """Add the creators of the campaign's project to it."""
    path = f"/campaigns/{campaign_id}"
    campaign = (await page.get(path, Campaign)).data
    own = [one for one in creators if one.project_id == campaign.project_id]
    others = [
        _outcome(one, "skipped", "is in another project than the campaign")
        for one in creators
        if one.project_id != campaign.project_id
    ]
    if not own:
        return others
    items = [{"item_type": "creator", "item_id": str(one.id)} for one in own]
    suffix = _key_suffix(path, [str(one.id) for one in own])
    try:
        body = {"items": items}
        await page.send("POST", f"{path}/items", Campaign, body, key_suffix=suffix)
    except ApiRefusedError as error:
        return [*(_refused(one, error) for one in own), *others]
    return [*(_outcome(one, "ok") for one in own), *others]


async def move_each(
    page: PageContext, creators: Sequence[Creator], *, project_id: UUID
) -> list[BulkOutcome]:
    """Move each creator to a project, with all numbers."""
    outcomes: list[BulkOutcome] = []
    for one in creators:
        if one.project_id == project_id:
            outcomes.append(_outcome(one, "skipped", "is in this project already"))
            continue
        path = f"/creators/{one.id}/move"
        body = {"project_id": str(project_id), "history": "whole"}
        suffix = _key_suffix(path, [str(project_id)])
        try:
            await page.send("POST", path, Creator, body, key_suffix=suffix)
        except ApiRefusedError as error:
            outcomes.append(_refused(one, error))
        else:
            outcomes.append(_outcome(one, "ok"))
    return outcomes


async def reports_to_stop(
    page: PageContext, creators: Sequence[Creator], *, project_id: UUID
) -> list[StoppingReport]:
    """Return the reports about the creators that stop if they move to a project."""
    found: list[StoppingReport] = []
    for one in creators:
        if one.project_id != project_id:
            got = await page.get(f"/creators/{one.id}/move", MovePreview)
            found += got.data.reports
    return found


async def scrape_each(
    page: PageContext, creators: Sequence[Creator]
) -> list[BulkOutcome]:
    """Request the scrapes that fail for each creator, or else a profile scrape."""
    outcomes: list[BulkOutcome] = []
    for one in creators:
        failing = [kind.job_type for kind in one.failing_kinds]
        try:
            for job_type in failing or _USUAL_SCRAPES:
                await page.send(
                    "POST",
                    f"/creators/{one.id}/scrape",
                    QueuedScrape,
                    {"job_type": job_type},
                    key_suffix=f".{one.id}.{job_type}",
                )
        except ApiRefusedError as error:
            outcomes.append(_refused(one, error))
        else:
            outcomes.append(_outcome(one, "ok"))
    return outcomes


async def add_again(
    page: PageContext, creators: Sequence[Creator]
) -> list[BulkOutcome]:
    """Add removed creators again, with their former tracking."""
    outcomes: list[BulkOutcome] = []
    for project_id, some in _by_project(creators).items():
        for portion in _portions(some, MOST_NEW):
            outcomes += await _added_again(page, project_id, portion)
    return outcomes


async def _added_again(
    page: PageContext, project_id: UUID, creators: Sequence[Creator]
) -> list[BulkOutcome]:
    path = f"/projects/{project_id}/creators"
    additions = [{"tiktok_handle": one.tiktok_handle} for one in creators]
    key_suffix = _key_suffix(path, [str(one.id) for one in creators])
    try:
        got = await page.send(
            "POST", path, AddedCreators, {"creators": additions}, key_suffix=key_suffix
        )
    except ApiRefusedError as error:
        return [_refused(one, error) for one in creators]
    return [
        BulkOutcome(
            creator_id=str(creators[one.index].id),
            handle=creators[one.index].tiktok_handle,
            status="failed" if one.status == "failed" else "ok",
            reason=one.error,
        )
        for one in got.data.results
    ]


def _refused(creator: Creator, error: ApiRefusedError) -> BulkOutcome:
    return _outcome(creator, "failed", in_words(error))


def _outcome(
    creator: Creator, status: OutcomeStatus, reason: str | None = None
) -> BulkOutcome:
    return BulkOutcome(
        creator_id=str(creator.id),
        handle=creator.tiktok_handle,
        status=status,
        reason=reason,
    )


def _by_project(creators: Sequence[Creator]) -> Mapping[UUID, list[Creator]]:
    found: dict[UUID, list[Creator]] = defaultdict(list)
    for creator in creators:
        found[creator.project_id].append(creator)
    return found


def _portions(creators: Sequence[Creator], most: int) -> list[Sequence[Creator]]:
    return [creators[at : at + most] for at in range(0, len(creators), most)]


def _key_suffix(path: str, values: Sequence[str]) -> str:
    """Return a suffix for the idempotency key of one command of a form.

    A user may go back to the list and select other creators: the browser then sends the
    same form again, and ``values`` differ.
    """
    return "." + sha256(" ".join([path, *values]).encode()).hexdigest()[:32]

"""/projects/{id}/creators/preview and /import: creators from a text or a table."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from api.http.bodies import strict_json
from api.http.bodies.json_body import plain
from api.http.errors import ApiError, Code, known_error
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import write_route
from api.http.writer import CommandWriter, Rows
from api.routes.creators.schemas import NewCreator, Tags, check_sizes
from application.contacts import storing_contacts
from domain.creator.handlers.add import Additions, RequestedCreator, add_creators
from domain.creator.handlers.add_to_campaigns import add_to_campaigns
from domain.decisions import Handler, without_events
from domain.errors import ErasedAndBannedError
from domain.events import TrackingMode
from domain.letter_case import folded
from domain.onboarding.columns import Field
from domain.onboarding.lines import MOST_LINES, Pasted, PastedCreator, read_pasted
from domain.onboarding.settings import check_settings
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.campaigns.queries import campaigns_by_name

_SHOWN: Final = 60


class CampaignNames(Struct, frozen=True):
    """The campaigns of a project by their names, in lower case."""

    by_name: Mapping[str, Sequence[UUID]]

    def id_of(self, name: str | None) -> UUID | None:
        """Return the id of the campaign with that name.

        It is None without a name, and where ``problem`` returns a reason.
        """
        found = self.by_name.get(folded(name or ""), ())
        return found[0] if name and len(found) == 1 else None

    def problem(self, name: str | None) -> str | None:
        """Return why no single campaign has that name; None if one has."""
        if not name or self.id_of(name):
            return None
        amount, shown = len(self.by_name.get(folded(name), ())), name[:_SHOWN]
        if amount:
            return f"campaign '{shown}' is the name of {amount} campaigns: rename one"
        return (
            f"campaign '{shown}' is not in this project: create it first, or leave it "
            "empty"
        )


_OF_THE_TEXT = {"text", "keep_columns"}
_ERRORS = [Code.LIMIT_REACHED, Code.PROJECT_ARCHIVED]


class CreatorText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Creators in a text: handles or profile URLs, rows of a spreadsheet, or CSV.

    In a text without headings, words that begin with @, addresses of profiles and plain
    lists of handles are read. In a text with a row of headings the columns handle,
    tags, campaign, mode, start date, end date, email, description, notes and metadata
    are read; commas, semicolons or tabs separate them. An email becomes the contact
    address of the creator. A campaign must be in the project,
    and its name may be in upper or lower case; a line with another campaign fails. With
    ``keep_columns`` the cells of other columns become metadata. The settings in this
    body apply where a line has no value, and ``tracking_start_date_if_new`` applies to
    new creators only.
    """

    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=900_000,
            description=f"At most {MOST_LINES:,} lines of creators.",
            examples=['Handle,Tags\n@goat.of.the.day,"spring, tier A"\n'],
        ),
    ]
    keep_columns: bool = False
    tracking_mode: TrackingMode | UnsetType = UNSET
    tracking_start_date: date | UnsetType | None = UNSET
    tracking_start_date_if_new: date | UnsetType | None = UNSET
    tracking_end_date: date | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET


class ReadColumn(Struct, frozen=True, kw_only=True):
    """A heading of the text; ``field`` is null if the column is not read."""

    heading: str
    field: Field | None


class ReadLine(Struct, frozen=True, kw_only=True):
    """A creator of the text, the values of the line, and the result.

    ``line`` counts from 1. ``status`` is as in adding many creators; in a preview it is
    the status that an import would have. A value that the line lacks is null. ``error``
    says why the line failed, with a ``code`` unless the line could not be read. In a
    preview ``creator_id`` is null for a creator who would be new. With the code
    ``erased_and_banned`` only the number of the line is repeated.
    """

    line: int
    text: str
    status: Literal["created", "reactivated", "failed"]
    code: str | None
    error: str | None
    creator_id: UUID | None
    tiktok_handle: str | None
    tags: list[str] | None = None
    campaign: str | None = None
    tracking_mode: TrackingMode | None = None
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None
    contact_email: str | None = None
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any] | None = None


class ReadCreators(Struct, frozen=True, kw_only=True):
    """The creators of a text, in its order.

    ``columns`` is empty without headings. ``heading`` is the row of headings as
    written.
    """

    columns: list[ReadColumn]
    heading: str
    lines: list[ReadLine]
    created_count: int
    reactivated_count: int
    failed_count: int


class CreatorImportRoutes(Controller):
    """Creators from a text: a preview, and the import."""

    path = "/projects/{project_id:uuid}/creators"
    tags = ("Creators",)

    @write_route(post, "/preview", "previewCreators", errors=_ERRORS, status=200)
    def preview(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[CreatorText],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ReadCreators]:
        """Show the creators that a text contains, line by line, and store nothing.

        Each line says what an import would do now, or why the import would fail. The
        room in the plan is not checked: GET /organization shows it.
        """
        return _perform(request, project_id, data, writer, stores=False)

    @write_route(post, "/import", "importCreators", errors=_ERRORS, status=200)
    def import_creators(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[CreatorText],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ReadCreators]:
        """Track the creators of a text; a line that cannot be read fails alone.

        If the plan has no room for all of them, in the organization or in a campaign,
        none is added. Each creator is put into the campaign that the line names, and
        gets a profile scrape and a discovery scrape at once.
        """
        return _perform(request, project_id, data, writer, stores=True)


def _perform(
    request: Request,
    project_id: UUID,
    data: CreatorText,
    writer: CommandWriter,
    *,
    stores: bool,
) -> Answer[ReadCreators]:
    for first in (data.tracking_start_date, data.tracking_start_date_if_new):
        check_settings(data.tags, first, data.tracking_end_date)
    pasted = read_pasted(data.text, keeps_columns=data.keep_columns)
    names = CampaignNames({})
    if any(line.creator and line.creator.campaign for line in pasted.lines):
        found = Rows(writer.store).ask(
            lambda rows: campaigns_by_name(rows, request.organization_id, project_id)
        )
        names = CampaignNames(found)
    problems = [_problem(line.creator, names) for line in pasted.lines]
    taken = [
        line.creator
        for line, problem in zip(pasted.lines, problems, strict=True)
        if line.creator is not None and problem is None
    ]
    requested = [_requested(creator, data) for creator in taken]

    def handler() -> Handler[Additions]:
        adding = add_creators(
            requested,
            fresh_ids=[new_id() for _ in requested],
            organization_id=request.organization_id,
            project_id=project_id,
            plans=writer.plans,
            now=datetime.now(UTC),
            command_id=request.command_id,
            names=writer.store.names,
        )
        adding = add_to_campaigns(
            adding,
            [names.id_of(creator.campaign) for creator in taken],
            organization_id=request.organization_id,
            project_id=project_id,
            plans=writer.plans,
        )
        return adding if stores else without_events(adding)

    def addresses(done: Executed[Additions]) -> dict[UUID, str | None]:
        return {
            addition.creator_id: creator.contact_email or None
            for creator, addition in zip(taken, done.result, strict=True)
            if addition.creator_id is not None
        }

    return writer.perform(
        request,
        handler,
        _answer(pasted, problems, stores=stores),
        in_transaction=storing_contacts(writer.store, addresses) if stores else None,
    )


def _answer(
    pasted: Pasted, problems: Sequence[str | None], *, stores: bool
) -> Callable[[Rows, Executed[Additions]], Answer[ReadCreators]]:
    def answer(_: Rows, done: Executed[Additions]) -> Answer[ReadCreators]:
        additions = iter(done.result)
        lines: list[ReadLine] = []
        for line, problem in zip(pasted.lines, problems, strict=True):
            if line.creator is None or problem is not None:
                lines.append(
                    ReadLine(
                        line=line.line,
                        text=line.text,
                        status="failed",
                        code=None,
                        error=problem or line.problem,
                        creator_id=None,
                        tiktok_handle=line.creator and line.creator.handle,
                    )
                )
                continue
            addition = next(additions)
            refusal = known_error(addition.refusal) if addition.refusal else None
            if isinstance(addition.refusal, ErasedAndBannedError):
                lines.append(_erased_and_banned(line.line, addition.refusal))
                continue
            is_known = stores or addition.status == "reactivated"
            lines.append(
                ReadLine(
                    line=line.line,
                    text=line.text,
                    status=addition.status,
                    code=None if refusal is None else str(refusal.code),
                    error=None if refusal is None else refusal.message,
                    creator_id=addition.creator_id if is_known else None,
                    tiktok_handle=addition.tiktok_handle,
                    **_said(line.creator),
                )
            )
        statuses = [line.status for line in lines]
        return Answer(
            ReadCreators(
                columns=[
                    ReadColumn(heading=column.heading, field=column.field)
                    for column in pasted.columns
                ],
                heading=pasted.heading,
                lines=lines,
                created_count=statuses.count("created"),
                reactivated_count=statuses.count("reactivated"),
                failed_count=statuses.count("failed"),
            )
        )

    return answer


def _erased_and_banned(line: int, refusal: ErasedAndBannedError) -> ReadLine:
    return ReadLine(
        line=line,
        text="",
        status="failed",
        code=refusal.code,
        error="skipped: erased and banned",
        creator_id=None,
        tiktok_handle=None,
    )


def _said(creator: PastedCreator) -> dict[str, Any]:
    said = asdict(creator)
    del said["handle"]
    return {name: value for name, value in said.items() if value is not UNSET}


def _requested(creator: PastedCreator, data: CreatorText) -> RequestedCreator:
    """Return why the creator cannot be requested; None if possible."""
    said = _said(creator)
    said.pop("campaign")
    has_address = said.pop("contact_email", None) is not None
    settings = {
        name: value
        for name in {*CreatorText.__struct_fields__} - _OF_THE_TEXT
        if (value := getattr(data, name)) is not UNSET and name not in said
    }
    return RequestedCreator(
        tiktok_handle=creator.handle, has_address=has_address, **said, **settings
    )


def _problem(creator: PastedCreator | None, names: CampaignNames) -> str | None:
    """Return why the creator cannot be requested; None if they can."""
    if creator is None:
        return None
    said = _said(creator)
    said.pop("campaign")
    said.pop("contact_email", None)
    try:
        if creator.metadata is not UNSET:
            # The name is added here, because the check knows only the value.
            strict_json.check(msgspec.json.encode({"metadata": creator.metadata}))
        new = msgspec.convert({"tiktok_handle": creator.handle, **said}, NewCreator)
        check_sizes(new)
    except ApiError as error:
        return error.message.lstrip("/")
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        return f"{place.rstrip('`')} {plain(problem)}"
    return names.problem(creator.campaign)

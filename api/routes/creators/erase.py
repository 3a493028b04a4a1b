"""/creators/{id}/erase: the erasure of a person, and a preview of it."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from api.http.errors import ApiError, Code
from api.http.reading.paging import behind, caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.system.all_projections import ALL_PROJECTIONS
from application.connect.service import Connections
from application.erase.erase import ErasureCommand
from application.erase.erased import ErasedCreators, erased_by
from application.erase.preview import ErasurePreview, preview_of
from application.erase.records import NEEDED
from application.erase.remains import (
    BehindErasureError,
    NoValuesError,
    erased_values,
    find_remains,
)
from application.erase.search.installation import Findings, SearchedPlaces
from application.progress import Advance
from domain.creator.errors import CreatorErasedError
from domain.creator.handlers.erase import Erasure
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.messages import ErasedFigures
from infra.database import Pool
from infra.settings import Settings
from projections.creators.queries import one_creator
from projections.engine.reader import ProjectionBehindError, Reader

# Proxies between a browser and Goatherd often wait a minute for an answer.
REMAINS_SECONDS = 40.0


class EraseCreator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The creator's handle as a confirmation, and the future of the figures.

    ``anonymous``: the figures stay without a name. ``drop``: the figures leave all
    sums. With ``ban`` keyed hashes of the account's id and handles are kept, and the
    organization cannot add the account again.
    """

    confirm: str
    figures: ErasedFigures = "anonymous"
    ban: bool = False


class CreatorEraseRoutes(Controller):
    """Erasing a person."""

    path = "/creators/{creator_id:uuid}/erase"
    tags = ("Creators",)

    @read_route(
        "/", "previewCreatorErasure", scope="admin", versioned=False, errors=[Code.GONE]
    )
    async def preview_erasure(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ErasurePreview]:
        """Count the data that an erasure of the creator would erase.

        Creators who are pinned to the same TikTok account are erased as well. Bans of
        the handle stay, because they belong to the installation.
        """
        await caught_up(request, reader, *NEEDED, "bans")
        organization_id = request.organization_id
        creator = await one_creator(reader, organization_id, creator_id)
        if creator is None:
            raise NotFoundError("creator")
        if creator.status == "erased":
            raise CreatorErasedError
        rows = Rows(writer.store)
        return Answer(
            await asyncio.to_thread(
                rows.ask,
                lambda cursor: preview_of(
                    cursor, writer.store, organization_id, creator_id
                ),
            )
        )

    @read_route(
        "/remains",
        "findErasureRemains",
        scope="admin",
        operator=True,
        versioned=False,
        errors=[Code.GONE, Code.PROJECTION_BEHIND],
    )
    async def find_remains(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        settings: NamedDependency[Settings],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[Findings]:
        """Search the whole installation for data of an erased creator.

        The search reads every table, all keys of Valkey or Redis and the files of the
        data directory, as `goatherd erase --verify` does, and removes old versions of
        rows before. `ok` is true if it found nothing and could look everywhere. After
        40 seconds it ends, and `not_searched` says so; `goatherd erase --verify` has
        no such limit. Data of other organizations are not searched. A creator that was
        not erased is 404. The list of erased values is kept for 24 hours; after that
        the answer is 410.
        """
        await caught_up(request, reader, *NEEDED)
        creator = await one_creator(reader, request.organization_id, creator_id)
        if creator is None:
            raise NotFoundError("creator")
        if creator.status != "erased":
            raise NotFoundError("erasure")
        call = partial(_remains, writer.store.pool, settings, creator_id)
        try:
            return Answer(await connections.outbound.run(call, of="remains"))
        except BehindErasureError as error:
            raise behind(ProjectionBehindError(error.names[0])) from error
        except NoValuesError:
            raise ApiError(
                Code.GONE,
                "The list of erased data is gone: it is kept for 24 hours. "
                "`goatherd erase --verify` searches for texts that you give.",
            ) from None

    @write_route(
        post,
        "/",
        "eraseCreator",
        scope="admin",
        recent_proof=True,
        errors=[Code.GONE, Code.PROJECTION_BEHIND],
        body_examples={"Erase": {"confirm": "ada", "figures": "anonymous"}},
        status=200,
    )
    def erase_creator(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        data: JSONBody[EraseCreator],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ErasedCreators]:
        """Erase a person: all data that identify the creator.

        Names, texts, pictures and TikTok's ids disappear from all later answers, also
        from those about the past, and cannot be read in the log any more. Nothing
        brings them back. With `figures` `anonymous` the numbers stay as those of
        `erased-<number>`, with `drop` they leave all sums and campaigns. Every creator
        who is pinned to the same TikTok account is erased as well, open scrapes end,
        and notes are deleted. The handle may be added again as a new creator, unless
        `ban` is true: then adding it is 409 `erased_and_banned`. A second erasure is
        410.
        """
        command = ErasureCommand(
            writer.store,
            creator_id,
            organization_id=request.organization_id,
            confirm=data.confirm,
            figures=data.figures,
            ban=data.ban,
        )

        def handler() -> Handler[Erasure]:
            try:
                return command.handler()
            except ProjectionBehindError as error:
                raise behind(error) from error

        return writer.perform(
            request,
            handler,
            lambda _, done: Answer(erased_by(done)),
            in_transaction=command.in_transaction,
        )


def _remains(pool: Pool, settings: Settings, creator_id: UUID) -> Findings:
    with pool.connection() as connection:
        erased = erased_values(connection, settings, creator_id)
        return find_remains(
            connection,
            settings,
            erased,
            SearchedPlaces.of(
                settings,
                redis_url=settings.redis_url,
                why_no_redis="GOATHERD_REDIS_URL is not set.",
            ),
            projections=[projection.name for projection in ALL_PROJECTIONS],
            show=_unseen,
            within_seconds=REMAINS_SECONDS,
        )


@contextmanager
def _unseen(what: str, *, total: int | None) -> Generator[Advance]:
    """Show no progress, because nobody can see it."""
    del what, total
    yield lambda _: None

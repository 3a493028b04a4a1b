"""/creators/{id}/move: the move of a creator to another project."""

import asyncio
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from api.http.errors import Code
from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.creators import responses as answers
from application.move.move_creator import MoveCommand, RefusedProject, effects_of_move
from application.move.single_videos import PossibleMerge
from domain import commands as c
from domain.errors import NotFoundError
from projections.campaigns.leaving import LeftCampaign, campaigns_left
from projections.creators.creator import Creator
from projections.creators.queries import one_creator
from projections.engine.reader import Reader
from projections.reports.queries import StoppingReport, reports_to_stop

_READ_MODELS = ("creator_list", "campaigns", "videos", "reports")
_ID = "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a44"


class Move(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The project to move to, and the treatment of earlier numbers.

    With the ``history`` whole all numbers move with the creator. With stay earlier
    numbers still count in the projects in which they count now, and the new project
    counts what the creator gains after the end of this quarter of an hour.
    """

    project_id: UUID
    history: Literal["whole", "stay"] = "whole"


class MovePreview(Struct, frozen=True, kw_only=True):
    """The effects of a move of the creator to another project.

    ``campaigns`` are the campaigns that the creator and single videos of theirs leave.
    ``refused`` are the projects that the creator cannot move to, because another
    creator there has the same handle or belongs, or belonged, to the same account.
    ``merged_videos`` are videos of the creator that other projects track as single
    videos: a move there merges them into the creator's videos.
    """

    creator_id: UUID
    project_id: UUID
    campaigns: list[LeftCampaign]
    refused: Sequence[RefusedProject] = ()
    merged_videos: Sequence[PossibleMerge] = ()
    reports: Sequence[StoppingReport] = ()


class CreatorMoveRoutes(Controller):
    """Moving a creator."""

    path = "/creators/{creator_id:uuid}/move"
    tags = ("Creators",)

    @read_route("/", "previewCreatorMove", versioned=False)
    async def preview_move(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[MovePreview]:
        """Show the effects of a move, and the projects that it is refused for."""
        await caught_up(request, reader, *_READ_MODELS)
        organization_id = request.organization_id
        creator = await one_creator(reader, organization_id, creator_id)
        if creator is None:
            raise NotFoundError("creator")
        rows = Rows(writer.store)
        may_see = request.principal.may_see
        effects = await asyncio.to_thread(
            rows.ask,
            lambda cursor: effects_of_move(cursor, organization_id, creator_id),
        )
        return Answer(
            MovePreview(
                creator_id=creator_id,
                project_id=creator.project_id,
                campaigns=await campaigns_left(reader, organization_id, creator_id),
                refused=[each for each in effects.refused if may_see(each.project_id)],
                merged_videos=[
                    each for each in effects.merges if may_see(each.project_id)
                ],
                reports=await reports_to_stop(reader, organization_id, creator_id),
            )
        )

    @write_route(
        post,
        "/",
        "moveCreator",
        conditional=True,
        errors=[
            Code.HANDLE_TAKEN,
            Code.ACCOUNT_IN_PROJECT,
            Code.CREATOR_REMOVED,
            Code.PROJECT_ARCHIVED,
            Code.CONSENT_REFUSED,
            Code.GONE,
        ],
        body_examples={
            "Move": {"project_id": _ID, "history": "whole"},
            "Leave the numbers": {"project_id": _ID, "history": "stay"},
        },
        status=200,
    )
    def move_creator(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        data: JSONBody[Move],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Creator]:
        """Move a creator to another project, with all their videos and data.

        The creator keeps id, history, tags and numbers, and leaves the campaigns of the
        old project, as do single videos of theirs. With the ``history`` whole all
        numbers count in the new project from then on, and in no other project. With
        stay the numbers gained until then stay where they count. A move to the
        creator's own project changes nothing. A move is refused if another creator of
        the project is connected with the same account, or belongs to it, or belonged to
        it before their removal: `account_in_project` names that creator in `creatorId`
        and `tiktokHandle`. Single videos of the new project that are the creator's are
        merged into the creator's videos, and count once.
        """
        command = MoveCommand(
            writer.store,
            creator_id,
            c.MoveCreator(project_id=data.project_id, history=data.history),
            organization_id=request.organization_id,
            expected_versions=writer.expected_versions(request),
        )
        return writer.perform(
            request,
            command.handler,
            answers.changed_creator,
            in_transaction=command.in_transaction,
        )

"""``goatherd creators move``: to another project, as ``POST /creators/{id}/move``."""

from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from api.cli.databases import cli_context, fitting, opened_store
from api.cli.names import creator_with_id, project_named
from api.cli.options import DataDir, Json, read_settings
from api.cli.output import print_json
from application.move.move_creator import MoveCommand
from domain import commands as c
from domain.events import VideoMerged
from domain.messages import MovedHistory
from domain.phrases import counted
from infra.eventstore.execute import execute

_TAKEN = {"whole": "all its numbers", "stay": "what it gains from now on"}


def move(
    creator_id: Annotated[UUID, Parameter(help="The creator's id.")],
    /,
    *,
    project: Annotated[
        str,
        Parameter("--project", help="The project to move to, by name or id."),
    ],
    history: Annotated[
        MovedHistory,
        Parameter(help="Whether all its numbers go along, or those until now stay."),
    ] = "whole",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Move a creator to another project of its organization, with its videos.

    It leaves the campaigns of the old project. With --history stay the numbers from
    before stay with the old project, and the new one counts what is gained from the end
    of this quarter of an hour on. Single videos of that project that are its own are
    merged into its videos. Where a creator of that project is or was the same account,
    the move is refused, and the other one named.
    """
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection, opened_store(settings) as store:
        creator = creator_with_id(store, creator_id)
        to = project_named(connection, project, org=creator.organization_id)
        command = MoveCommand(
            store,
            creator_id,
            c.MoveCreator(project_id=to.id, history=history),
            organization_id=creator.organization_id,
        )
        done = execute(
            store,
            command.handler,
            context=cli_context(),
            in_transaction=command.in_transaction,
        )
    has_moved = bool(done.events)
    merged = sum(isinstance(each.event, VideoMerged) for each in done.events)
    if json:
        document = {"id": creator_id, "project_id": to.id, "changed": has_moved}
        print_json({**document, "merged_videos": merged})
    elif has_moved:
        print(f"@{creator.handle} has moved, with its videos and {_TAKEN[history]}.")
        if merged:
            single = counted(merged, "single video")
            print(f"{single} of that project merged into its own, to count once.")
    else:
        print(f"@{creator.handle} is in that project, as it was before.")

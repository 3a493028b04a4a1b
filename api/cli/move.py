"""``goatherd creators move``: as ``POST /creators/{id}/move``."""

from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import creator_with_id, project_named
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from application.move.move_creator import MoveCommand
from domain import commands as c
from domain.events import VideoMerged
from domain.messages import MovedHistory
from domain.phrases import counted
from infra.eventstore.execute import execute

_TAKEN = {"whole": "all numbers", "stay": "the numbers gained from now on"}


def move(
    creator_id: Annotated[
        UUID,
        Parameter(
            help="The id of the creator: `goatherd creators list --ids` shows it."
        ),
    ],
    /,
    *,
    project: Annotated[
        str,
        Parameter("--project", help="The project to move to, by name or id."),
    ],
    history: Annotated[
        MovedHistory,
        Parameter(
            help="Move all numbers with the creator, or let earlier numbers stay."
        ),
    ] = "whole",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Move a creator to another project of the organization, with their videos.

    The creator leaves the campaigns of the old project. With --history stay the earlier
    numbers stay with the old project, and the new one counts what the creator gains
    after the end of this quarter of an hour. Single videos of the new project that are
    the creator's are merged into the creator's videos. If a creator of the new project
    belongs, or belonged, to the same account, the move is refused, and that creator is
    named.
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
        print(f"@{creator.handle} has moved, with all videos and {_TAKEN[history]}.")
        if merged:
            single = counted(merged, "single video")
            print(f"{single} of that project merged into the creator's, to count once.")
    else:
        print(f"@{creator.handle} was in that project already.")

"""``goatherd erase``: forgets a person, as ``POST /creators/{id}/erase`` does."""

import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.databases import cli_context, opened_store
from api.cli.erase_verify import verify_erasure
from api.cli.names import creator_with_id
from api.cli.options import DataDir, Json, read_settings
from api.cli.output import print_json
from application.erase.erase import ErasureCommand
from application.erase.erased import erased_by
from application.erase.preview import preview_of
from domain.messages import ErasedFigures
from domain.phrases import counted, joined
from infra.eventstore.execute import execute
from infra.settings import Settings
from projections.engine.reader import ProjectionBehindError

_WAITS = "goatherd: The erasure waits for read models to reach the end of the log."


def erase(
    creator_id: Annotated[UUID, Parameter(help="The creator's id.")],
    /,
    *,
    confirm: Annotated[
        str | None, Parameter(help="Its handle, so that it is the right creator.")
    ] = None,
    figures: Annotated[
        ErasedFigures,
        Parameter(help="Whether its numbers stay as those of nobody, or go as well."),
    ] = "anonymous",
    ban: Annotated[
        bool,
        Parameter(
            negative="",
            help="Keep hashes of the account, so that nobody adds it again.",
        ),
    ] = False,
    preview: Annotated[
        bool,
        Parameter(
            negative="",
            help="Erase nothing, but say what it concerns, and which texts name them.",
        ),
    ] = False,
    verify: Annotated[
        bool,
        Parameter(
            negative="",
            help="Erase nothing, but look everywhere for what was erased.",
        ),
    ] = False,
    values: Annotated[
        Path | None,
        Parameter(
            help="With --verify: a file of more to look for, one a line, or -.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    also: Annotated[
        list[Path] | None,
        Parameter(
            help="With --verify: a log file or folder of exports to look in, too.",
            negative="",
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int | None:
    """Erase a person: a creator, and every other one of the same TikTok account.

    Nothing brings back what is erased. What it was is kept for 24 hours, sealed, so
    that --verify can look for it: in every table, in Valkey, in the data directory, and
    where --also says. While events of earlier releases hold the person's data in the
    clear nothing is erased: `goatherd seal-history` seals them. The exit status of
    --verify is 0 if nothing was found, 1 if something was, and 2 if it could not look
    everywhere.
    """
    settings = read_settings(data_dir=data_dir)
    if verify:
        if confirm is not None or ban:
            raise CommandError(
                "--confirm and --ban erase, and --verify does not: choose one."
            )
        return verify_erasure(
            settings, creator_id, values=values, also=also or [], json=json
        )
    if values is not None or also is not None:
        raise CommandError("--values and --also go with --verify.")
    if preview:
        _show_preview(settings, creator_id, json=json)
        return None
    if confirm is None:
        raise CommandError("--confirm with the creator's handle is needed to erase it.")
    with opened_store(settings) as store:
        command = ErasureCommand(
            store,
            creator_id,
            organization_id=creator_with_id(store, creator_id).organization_id,
            confirm=confirm,
            figures=figures,
            on_wait=lambda: print(_WAITS, file=sys.stderr),
            ban=ban,
        )
        try:
            done = execute(
                store,
                command.handler,
                context=cli_context(),
                in_transaction=command.in_transaction,
            )
        except ProjectionBehindError as error:
            raise CommandError(
                "Nothing is erased: read models are behind the log. Start `goatherd "
                "project`, and try again once it has caught up."
            ) from error
    erased = erased_by(done)
    if json:
        print_json(erased)
        return None
    for creator in erased.creators:
        print(f"Erased {creator.id}, which is {creator.tiktok_handle} from now on.")
    print(f"Look whether anything is left: `goatherd erase --verify {creator_id}`.")
    return None


def _show_preview(settings: Settings, creator_id: UUID, *, json: bool) -> None:
    with opened_store(settings) as store:
        organization_id = creator_with_id(store, creator_id).organization_id
        with store.pool.connection() as connection, connection.cursor() as cursor:
            preview = preview_of(cursor, store, organization_id, creator_id)
    if json:
        print_json(preview)
        return
    counts = (
        (preview.creator_count, "creator"),
        (preview.video_count, "video"),
        (preview.scrape_count, "scrape"),
        (preview.note_count, "note"),
        (preview.campaign_count, "campaign"),
    )
    print(f"It concerns {joined([counted(n, what) for n, what in counts])}.")
    if preview.mentions:
        print("These texts have a handle of the person, and stay:")
    for one in preview.mentions:
        earlier = "earlier " if one.earlier else ""
        print(
            f"  {earlier}{one.field} of {one.kind} {one.id}: {one.change or 'TikTok'}"
        )

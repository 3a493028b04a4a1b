"""``goatherd erase``: the erasure of a person, as ``POST /creators/{id}/erase``."""

import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from api.cli import CommandError, UsageError
from api.cli.erase.verify import verify_erasure
from api.cli.kit.databases import cli_context, opened_store
from api.cli.kit.names import creator_with_id
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
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
    creator_id: Annotated[
        UUID,
        Parameter(
            help="The id of the creator: `goatherd creators list --ids` shows it."
        ),
    ],
    /,
    *,
    confirm: Annotated[
        str | None, Parameter(help="The handle of the creator, as a confirmation.")
    ] = None,
    figures: Annotated[
        ErasedFigures,
        Parameter(help="Keep the numbers without a name, or drop them from all sums."),
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
            help="Erase nothing, but show what would be erased, and the texts that "
            "name the person.",
        ),
    ] = False,
    verify: Annotated[
        bool,
        Parameter(
            negative="",
            help="Erase nothing, but search for remains of an erased person.",
        ),
    ] = False,
    values: Annotated[
        Path | None,
        Parameter(
            help="With --verify: a file of further texts to search for, one a line, or "
            "-.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    also: Annotated[
        list[Path] | None,
        Parameter(
            help="With --verify: a log file or a folder of exports to search as well.",
            negative="",
        ),
    ] = None,
    verbose: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="With --verify: print every place that was searched.",
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> int | None:
    """Erase a person: a creator, and all others of the same TikTok account.

    Nothing brings back erased data. A sealed list of them is kept for 24 hours, so that
    --verify can search for them: in every table, in Valkey, in the data directory, and
    in the files of --also. The last line of --verify is its verdict. The exit status
    is 0 if nothing was found, 1 if something was found, and 2 if not everything could
    be searched.
    """
    settings = read_settings(data_dir=data_dir)
    if verify:
        if confirm is not None or ban:
            raise UsageError(
                "--confirm and --ban erase, and --verify does not: choose one of them."
            )
        return verify_erasure(
            settings,
            creator_id,
            values=values,
            also=also or [],
            verbose=verbose,
            json=json,
        )
    if values is not None or also is not None or verbose:
        raise UsageError("--values, --also and --verbose need --verify.")
    if preview:
        _show_preview(settings, creator_id, json=json)
        return None
    if confirm is None:
        raise UsageError(
            "--confirm with the creator's handle is required for an erasure."
        )
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
                "project`, and try again once they are caught up."
            ) from error
    erased = erased_by(done)
    if json:
        print_json(erased)
        return None
    for creator in erased.creators:
        print(f"Erased {creator.id}, which is {creator.tiktok_handle} from now on.")
    print(f"Check that nothing is left: `goatherd erase --verify {creator_id}`.")
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
        print("These texts contain a handle of the person, and stay:")
    for one in preview.mentions:
        earlier = "earlier " if one.earlier else ""
        print(
            f"  {earlier}{one.field} of {one.kind} {one.id}: {one.change or 'TikTok'}"
        )

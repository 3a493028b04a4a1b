"""``goatherd erase``: forgets a person, as ``POST /creators/{id}/erase`` does."""

from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.databases import cli_context, opened_store
from api.cli.options import DataDir, Json, read_settings
from api.cli.output import print_json
from domain.creator.state import creator_of
from domain.errors import NotFoundError
from domain.messages import ErasedFigures
from infra.eventstore.execute import execute
from infra.eventstore.store import Store, plain_events
from projections.engine.reader import ProjectionBehindError
from workers.erasing.erase import ErasureCommand
from workers.erasing.erased import erased_by


def erase(
    creator_id: Annotated[UUID, Parameter(help="The creator's id.")],
    /,
    *,
    confirm: Annotated[
        str, Parameter(help="Its handle, so that it is the right creator.")
    ],
    figures: Annotated[
        ErasedFigures,
        Parameter(help="Whether its numbers stay as those of nobody, or go as well."),
    ] = "anonymous",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Erase a person: a creator, and every other one of the same TikTok account.

    Nothing brings back what is erased.
    """
    with opened_store(read_settings(data_dir=data_dir)) as store:
        command = ErasureCommand(
            store,
            creator_id,
            organization_id=_organization_of(store, creator_id),
            confirm=confirm,
            figures=figures,
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
        return
    for creator in erased.creators:
        print(f"Erased {creator.id}, which is {creator.tiktok_handle} from now on.")


def _organization_of(store: Store, creator_id: UUID) -> UUID:
    creator = creator_of(plain_events(store.load(creator_id)[creator_id]))
    if creator is None:
        raise NotFoundError("creator")
    return creator.organization_id

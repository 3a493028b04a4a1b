"""/creators/{id}/personal-data: all stored data of a person, for an access request."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route
from api.http.writer import CommandWriter
from domain.errors import NotFoundError
from infra.database import run_read
from projections.creators.queries import one_creator
from projections.engine.reader import Reader
from projections.personal_data import PersonalData, personal_data

_READ_MODELS = ("creator_list", "videos", "scrape_runs")
_ADMIN: dict[str, Any] = {"scope": "admin", "versioned": False}


class PersonalDataRoutes(Controller):
    """The personal data of creators."""

    tags = ("Creators",)

    @read_route(
        "/creators/{creator_id:uuid}/personal-data", "getPersonalData", **_ADMIN
    )
    async def get_personal_data(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[PersonalData]:
        """Show all stored data of a creator: the answer to an access request.

        The answer has the creator's present state and all events, with the videos, the
        scrapes, the account, the notes, the handles and the campaigns. Sealed data are
        opened. For an erased creator the answer has the remaining events, without
        names.
        """
        await caught_up(request, reader, *_READ_MODELS)
        creator = await one_creator(reader, request.organization_id, creator_id)
        if creator is None:
            raise NotFoundError("creator")

        store = writer.store

        def read() -> PersonalData:
            master_key = store.keyring.master_key()
            return run_read(
                store.pool,
                lambda connection: personal_data(
                    connection, creator, store.codec, master_key=master_key
                ),
            )

        return Answer(await asyncio.to_thread(read))

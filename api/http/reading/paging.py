"""Reads: wait for a position of the log, return a row, or a list page by page."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol, TypeVar

from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from api.http.errors import ApiError, Code, field_error
from api.http.reading import cursors
from api.http.request import Request
from api.http.responses import Answer, ListPage
from domain.errors import NotFoundError
from projections.engine.log_end import log_end, own_event
from projections.engine.reader import ProjectionBehindError, Reader

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_MAX_POSITION_DIGITS = 18
_ALL_TIME = datetime.max.replace(tzinfo=UTC)

Limit = Annotated[
    int,
    QueryParameter(
        ge=1,
        le=MAX_LIMIT,
        description="The number of rows that a page may have at most.",
    ),
]
Cursor = Annotated[
    str | None,
    QueryParameter(description="The meta.nextCursor of the page before."),
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
After = TypeVar("After")


class Versioned(Protocol):
    """A row with the version of the resource that it shows."""

    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Versioned)


class FetchRows(Protocol[T_co]):
    """Reads at most ``limit`` rows of a list, beginning after ``after``."""

    def __call__(self, *, limit: int, after: Any) -> Awaitable[Sequence[T_co]]: ...  # noqa: ANN401 - the list's sort key


async def caught_up(request: Request, reader: Reader, *projections: str) -> None:
    """Wait until projections reach Goatherd-Min-Position, if the request has it.

    There is no wait for positions of other organizations or for future positions: a
    tenant that could distinguish them would learn how much other organizations do.
    Operators learn that anyway, so a position beyond the log, which nothing reaches,
    is refused for them.

    Raises:
        ApiError: ``invalid_params``, if the header is not a position, or an operator
            names one beyond the log;
            ``projection_behind``, if a projection does not reach it within two seconds.
    """
    header = request.raw_header(b"goatherd-min-position")
    if header is None:
        return
    if not header.isdigit() or len(header) > _MAX_POSITION_DIGITS:
        raise field_error(
            Code.INVALID_PARAMS, "/Goatherd-Min-Position", "must be a position"
        )
    position, principal = int(header), request.principal

    async def is_of_others() -> bool:
        if principal.is_operator:
            end = await log_end(reader, principal.organization_id, _ALL_TIME)
            if position > end:
                raise field_error(
                    Code.INVALID_PARAMS,
                    "/Goatherd-Min-Position",
                    "must be at most the position of the newest event",
                )
            return False
        own = await own_event(reader, principal.organization_id, until=position)
        return own.position != position

    for projection in projections:
        await reached(reader, projection, position, unless=is_of_others)


async def reached(
    reader: Reader,
    projection: str,
    position: int,
    *,
    unless: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    """Wait until a projection has processed a position, but not if ``unless`` is true.

    Raises:
        ApiError: ``projection_behind``, if that takes more than two seconds.
    """
    try:
        await reader.wait_for(projection, position, unless=unless)
    except ProjectionBehindError as error:
        raise behind(error) from error


def behind(error: ProjectionBehindError) -> ApiError:
    """Return the answer to a request for which a read model is not ready."""
    headers = {"Retry-After": "1"}
    return ApiError(Code.PROJECTION_BEHIND, str(error), headers=headers)


def found(kind: str, row: V | None) -> Answer[V]:
    """Return the answer that shows a row, with its version as the ETag.

    Raises:
        NotFoundError: there is no row.
    """
    if row is None:
        raise NotFoundError(kind)
    return Answer(row, version=row.version)


class ListRequest:
    """A request for one page of a list; ``secret`` signs cursors."""

    def __init__(
        self,
        request: Request,
        reader: Reader,
        *,
        limit: int,
        cursor: str | None,
        secret: str,
    ) -> None:
        self.request = request
        self.reader = reader
        self.organization_id = request.organization_id
        self.limit = limit
        self._cursor = cursor
        self._secret = secret

    async def caught_up(self, *projections: str) -> None:
        """Wait as the function ``caught_up`` does."""
        await caught_up(self.request, self.reader, *projections)

    async def page(
        self,
        name: str,
        fetch: FetchRows[T],
        *,
        key: Callable[[T], After],
        after: type[After],
        filters: Mapping[str, Any] | None = None,
    ) -> ListPage[T]:
        """Return the page; the arguments are those of ``rows``."""
        rows, next_cursor = await self.rows(
            name, fetch, key=key, after=after, filters=filters
        )
        return ListPage(rows, limit=self.limit, next_cursor=next_cursor)

    async def rows(
        self,
        name: str,
        fetch: FetchRows[T],
        *,
        key: Callable[[T], After],
        after: type[After],
        filters: Mapping[str, Any] | None = None,
    ) -> tuple[list[T], str | None]:
        """Return the rows of the page and the cursor of the next page.

        ``key`` returns a row's sort key, which ends in its id, and ``after`` is the
        key's type. A cursor is valid only for the list called ``name`` with the same
        ``filters``.

        Raises:
            ApiError: ``invalid_cursor``.
        """
        start = self.start(name, after=after, filters=filters)
        # One row more than the page shows whether there is a next page.
        found = await fetch(limit=self.limit + 1, after=start)
        shown = list(found[: self.limit])
        if len(found) <= self.limit:
            return shown, None
        return shown, self.cursor(name, key(shown[-1]), filters=filters)

    def start(
        self, name: str, *, after: type[After], filters: Mapping[str, Any] | None
    ) -> After | None:
        """Return the key in the cursor of the request, None for the first page.

        Raises:
            ApiError: ``invalid_cursor``.
        """
        if self._cursor is None:
            return None
        return cursors.decode(
            self._secret,
            self._cursor,
            organization_id=self.organization_id,
            filters={"list": name, **(filters or {})},
            after=after,
        )

    def cursor(
        self, name: str, after: object, *, filters: Mapping[str, Any] | None
    ) -> str:
        """Return the cursor of the page that begins after a key."""
        return cursors.encode(
            self._secret,
            organization_id=self.organization_id,
            filters={"list": name, **(filters or {})},
            after=after,
        )


def provide_list_request(secret: str) -> Provide:
    """Return the dependency that reads ``limit`` and ``cursor`` from the query."""

    def provide(
        request: Request,
        reader: NamedDependency[Reader],
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> ListRequest:
        return ListRequest(request, reader, limit=limit, cursor=cursor, secret=secret)

    return Provide(provide, sync_to_thread=False)

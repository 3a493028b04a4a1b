"""The ensembledata provider: EnsembleData, which passes on the app's shape.

It counts units: a list costs one for each ten videos, other requests one or more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from infra.http_out.client import trusted_certificates
from infra.http_out.session import SessionLimits
from workers.sources.port import Target
from workers.sources.providers.paid.listing import PaidPage, cursor_of
from workers.sources.providers.paid.provider import PaidProvider, PaidQuestion
from workers.sources.providers.paid.replies import PaidService, RefusalKind
from workers.sources.providers.paid.session import PaidSite
from workers.sources.shapes.json_values import items_of, within

NAME = "EnsembleData"
PROFILE_PATH = "/tt/user/info"
LIST_PATH = "/tt/user/posts"
VIDEO_PATH = "/tt/post/info"
# Steps of about ten videos that one request of the list takes.
DEPTH = 5

# The service's own statuses, as its client libraries name them.
_STATUSES: Mapping[int, RefusalKind] = MappingProxyType(
    {
        462: "shape",  # an address that is no video's
        463: "missing",
        464: "shape",  # too many ids
        471: "unavailable",
        472: "private",
        473: "missing",
        474: "unavailable",
        491: "key",
        492: "account",  # whose e-mail address was not confirmed
        493: "account",  # whose subscription has ended
        495: "units",
        520: "unavailable",  # a video that is not shown everywhere
    }
)


class EnsembleDataProvider(PaidProvider):
    """Reads creators through EnsembleData."""

    name = "ensembledata"

    def profile_of(self, handle: str) -> PaidQuestion:
        return PaidQuestion(PROFILE_PATH, {"username": handle})

    def account_in(self, body: object) -> object:
        return within(body, "data")

    def list_of(
        self, target: Target, *, handle: str, cursor: str | None
    ) -> PaidQuestion:
        del target
        parameters = {"username": handle, "depth": str(DEPTH)}
        if cursor is not None:
            parameters["start_cursor"] = cursor
        return PaidQuestion(LIST_PATH, parameters)

    def page_in(self, body: object) -> PaidPage | None:
        data = within(body, "data")
        if rows := items_of(data):
            # A list in this older form does not say whether there are more videos.
            return PaidPage(rows=rows, has_more=None, cursor=None)
        if data != [] and not isinstance(within(data, "data"), list):
            return None
        cursor = within(data, "nextCursor")
        return PaidPage(
            rows=items_of(within(data, "data")),
            has_more=cursor is not None,
            cursor=cursor_of(cursor),
        )

    def video_of(self, handle: str, video_id: str) -> PaidQuestion:
        url = f"https://www.tiktok.com/@{handle}/video/{video_id}"
        return PaidQuestion(VIDEO_PATH, {"url": url})

    def row_in(self, body: object) -> object:
        data = within(body, "data")
        rows = items_of(data)
        return rows[0] if rows else within(data, "0") or data


def open_ensembledata(
    *, base_url: str, api_key: str, limits: SessionLimits
) -> EnsembleDataProvider:
    """Return the provider for the account at EnsembleData that has the token.

    It sends nothing yet.
    """
    return EnsembleDataProvider(
        PaidSite(
            name=NAME,
            base_url=base_url,
            limits=limits,
            headers={"Accept": "application/json", "User-Agent": "goatherd"},
            tls=trusted_certificates(),
            # The service takes its token in the query only.
            secret_query=urlencode({"token": api_key}),
            service=PaidService(
                name=NAME,
                key_setting="GOATHERD_ENSEMBLEDATA_API_KEY",
                secret=api_key,
                statuses=_STATUSES,
            ),
        )
    )

"""The scrapecreators provider: ScrapeCreators, which passes on both of TikTok's shapes.

Its profiles are in the web's shape, its videos in the app's. A request costs a credit.
"""

from infra.http_out.client import trusted_certificates
from infra.http_out.session import SessionLimits
from workers.sources.port import Target
from workers.sources.providers.paid.listing import PaidPage, cursor_of
from workers.sources.providers.paid.provider import PaidProvider, PaidQuestion
from workers.sources.providers.paid.replies import PaidService
from workers.sources.providers.paid.session import PaidSite
from workers.sources.shapes.json_values import items_of, within

NAME = "ScrapeCreators"
PROFILE_PATH = "/v1/tiktok/profile"
LIST_PATH = "/v3/tiktok/profile/videos"
VIDEO_PATH = "/v2/tiktok/video"
# The app writes a number, and others a word or a text.
_TRUE = (True, 1, "1", "true")


class ScrapeCreatorsProvider(PaidProvider):
    """Reads creators through ScrapeCreators."""

    name = "scrapecreators"

    def profile_of(self, handle: str) -> PaidQuestion:
        return PaidQuestion(PROFILE_PATH, {"handle": handle})

    def account_in(self, body: object) -> object:
        return body

    def list_of(
        self, target: Target, *, handle: str, cursor: str | None
    ) -> PaidQuestion:
        parameters = {"handle": handle, "sort_by": "latest"}
        if target.user_id:
            # The service answers faster with the user id.
            parameters["user_id"] = target.user_id
        if cursor is not None:
            parameters["max_cursor"] = cursor
        return PaidQuestion(LIST_PATH, parameters)

    def page_in(self, body: object) -> PaidPage | None:
        rows = within(body, "aweme_list")
        more = within(body, "has_more")
        # A page without videos must at least say whether there are more.
        if rows is None and more is None:
            return None
        return PaidPage(
            rows=items_of(rows),
            has_more=None if more is None else more in _TRUE,
            cursor=cursor_of(within(body, "max_cursor")),
        )

    def video_of(self, handle: str, video_id: str) -> PaidQuestion:
        url = f"https://www.tiktok.com/@{handle}/video/{video_id}"
        return PaidQuestion(VIDEO_PATH, {"url": url})

    def row_in(self, body: object) -> object:
        return within(body, "aweme_detail")


def open_scrapecreators(
    *, base_url: str, api_key: str, limits: SessionLimits
) -> ScrapeCreatorsProvider:
    """Return the provider for the account at ScrapeCreators that has the key.

    It sends nothing yet.
    """
    return ScrapeCreatorsProvider(
        PaidSite(
            name=NAME,
            base_url=base_url,
            limits=limits,
            headers={
                "x-api-key": api_key,
                "Accept": "application/json",
                "User-Agent": "goatherd",
            },
            tls=trusted_certificates(),
            service=PaidService(
                name=NAME,
                key_setting="GOATHERD_SCRAPECREATORS_API_KEY",
                secret=api_key,
                statuses={},
            ),
        )
    )

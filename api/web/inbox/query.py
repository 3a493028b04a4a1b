"""The query of an inbox: the creator of the videos, and the order."""

from api.web.kit.page_query import PageQuery

# Each order by its name in the address: its label, and the API's parameters.
ORDERS: dict[str, tuple[str, dict[str, str]]] = {
    "": ("Latest found first", {}),
    "most_views": ("Most views first", {"sort": "view_count"}),
    "fewest_views": ("Fewest views first", {"sort": "view_count", "order": "asc"}),
    "newest_post": ("Latest posted first", {"sort": "posted_at"}),
}


class InboxQuery(PageQuery, frozen=True, kw_only=True):
    """The filter and order of an inbox; an empty ``creator`` means all."""

    creator: str = ""
    sort: str = ""
    cursor: str = ""

    @property
    def handle(self) -> str:
        return self.creator.strip().removeprefix("@").casefold()

    @property
    def order(self) -> dict[str, str]:
        """Return the order as parameters of the API; by default the first order."""
        return ORDERS.get(self.sort, ORDERS[""])[1]

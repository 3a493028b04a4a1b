"""The columns of the list of creators: all of them, and the chosen ones."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from api.routes.lists.creator_parameters import CreatorListSort
from api.web.kit.list_query import two_of
from api.web.kit.page import PageContext

COOKIE = "goatherd_creator_columns"
# The choice is remembered for a year.
_SECONDS = 365 * 86_400


class ListColumn(Struct, frozen=True, kw_only=True):
    """A column, which sorts by the figure of its name.

    ``kind`` is the format of its values: ``level``, ``new``, ``rate``, ``count``,
    ``average``, ``pace``, ``time`` or ``health``. ``is_figure`` says that the list can
    be filtered by it, and has its total.
    """

    name: CreatorListSort
    label: str
    kind: str

    @property
    def is_figure(self) -> bool:
        return self.is_number and self.kind != "pace"

    @property
    def is_number(self) -> bool:
        return self.kind not in {"time", "health"}


COLUMNS: Sequence[ListColumn] = (
    ListColumn(name="followers", label="Followers", kind="level"),
    ListColumn(name="new_followers", label="New followers", kind="new"),
    ListColumn(name="views", label="All views", kind="level"),
    ListColumn(name="new_views", label="New views", kind="new"),
    ListColumn(name="likes", label="New likes", kind="new"),
    ListColumn(name="comments", label="New comments", kind="new"),
    ListColumn(name="shares", label="New shares", kind="new"),
    ListColumn(name="saves", label="New saves", kind="new"),
    ListColumn(name="engagement_rate", label="Engagement", kind="rate"),
    ListColumn(name="posts", label="Posts", kind="count"),
    ListColumn(name="average_views_per_post", label="Views per post", kind="average"),
    ListColumn(name="posts_per_week", label="Posts a week", kind="pace"),
    ListColumn(name="last_posted_at", label="Last posted", kind="time"),
    ListColumn(name="health", label="Health", kind="health"),
    ListColumn(name="last_scraped_at", label="Last scrape", kind="time"),
    ListColumn(name="created_at", label="Added", kind="time"),
)
_USUAL = {
    *("followers", "new_followers", "views", "new_views"),
    *("engagement_rate", "posts", "last_posted_at", "health"),
}
_ON_PHONES = ("followers", "new_views", "new_followers", "views")


def chosen_columns(page: PageContext) -> list[ListColumn]:
    """Return the columns that this browser chose, or the usual ones."""
    cookie = page.request.sent_cookies.get(COOKIE)
    chosen = _known((cookie or "").split(".")) if cookie else _USUAL
    return [column for column in COLUMNS if column.name in (chosen or _USUAL)]


def on_phones(columns: Iterable[ListColumn], sorted_by: str) -> list[str]:
    """Return the columns that a row shows on a phone, besides the health."""
    return two_of(
        [column.name for column in columns if column.kind != "health"],
        sorted_by=sorted_by,
        usual=_ON_PHONES,
    )


def choose_columns(page: PageContext, names: Iterable[str]) -> None:
    """Remember the columns in a cookie; without any the default ones return."""
    chosen = _known(names)
    text = ".".join(column.name for column in COLUMNS if column.name in chosen)
    page.set_cookie(COOKIE, text, seconds=_SECONDS if text else 0)


def _known(names: Iterable[str]) -> set[str]:
    return {*names} & {column.name for column in COLUMNS}

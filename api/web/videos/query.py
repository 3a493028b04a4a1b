"""The query of the list of videos: all choices on the page are in its address."""

from api.web.kit.counting import LISTED
from api.web.kit.list_query import ListQuery

# Each column is a figure, and sorts by the figure of the same name in the API.
COLUMNS = {
    "posted_at": ("posted_at", "Posted"),
    "views": ("view_count", "All views"),
    "new_views": ("new_views", "New views"),
    "likes": ("like_count", "Likes"),
    "comments": ("comment_count", "Comments"),
    "shares": ("share_count", "Shares"),
    "saves": ("save_count", "Saves"),
}
# The choices of videos to show: removed ones have a page of their own.
_STATUSES = {
    "": "auto_tracked,included,direct_add",
    "all": ",".join(LISTED),
}


class VideosPageQuery(ListQuery, frozen=True, kw_only=True):
    """The videos to list; an empty field does not filter.

    ``shown`` is ``all`` to list videos that do not count as well.
    """

    search: str = ""
    tag: str = ""
    hashtag: str = ""
    sound_id: str = ""
    project_id: str = ""
    campaign_id: str = ""
    posted_from: str = ""
    posted_to: str = ""
    shown: str = ""

    @property
    def usual_sort(self) -> str:
        return "new_views"

    @property
    def is_narrowed(self) -> bool:
        """Return whether a filter narrows the list of a project's videos."""
        in_all = (
            *(self.search, self.tag, self.hashtag),
            *(self.sound_id, self.campaign_id),
        )
        return any((*in_all, self.posted_from, self.posted_to))

    @property
    def api_query(self) -> dict[str, str]:
        given = super().api_query
        given.pop("shown", None)
        statuses = _STATUSES.get(self.shown, _STATUSES[""])
        return {**given, "sort": self.sorted_by, "tracking_status": statuses}

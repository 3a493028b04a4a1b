"""The query of the list of videos: all choices on the page are in its address."""

from api.web.kit.list_query import ListQuery

# Each column is a figure, and sorts by what has its name in the API.
COLUMNS = {
    "posted_at": ("posted_at", "Posted"),
    "views": ("view_count", "All views"),
    "new_views": ("new_views", "New views"),
    "likes": ("like_count", "Likes"),
    "comments": ("comment_count", "Comments"),
    "shares": ("share_count", "Shares"),
    "saves": ("save_count", "Saves"),
}
# Those that wait for review are in the inbox.
_COUNTED = "auto_tracked,included,direct_add"


class VideosPageQuery(ListQuery, frozen=True, kw_only=True):
    """The videos to list; an empty field does not filter."""

    search: str = ""
    tag: str = ""
    project_id: str = ""
    campaign_id: str = ""
    posted_from: str = ""
    posted_to: str = ""

    @property
    def usual_sort(self) -> str:
        return "new_views"

    @property
    def is_narrowed(self) -> bool:
        """Return whether the videos are less than all of a project."""
        in_all = (self.search, self.tag, self.campaign_id)
        return any((*in_all, self.posted_from, self.posted_to))

    @property
    def api_query(self) -> dict[str, str]:
        chosen = {"sort": self.sorted_by, "tracking_status": _COUNTED}
        return {**super().api_query, **chosen}

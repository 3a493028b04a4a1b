"""The query of the list of creators: all choices on the page are in its address."""

from api.web.kit.list_query import ListQuery

STATUSES = {
    "": "Tracked",
    "active": "Active",
    "disabled": "Disabled",
    "removed": "Removed",
    "all": "All",
}
HEALTHS = {
    "": "Any",
    "ok": "Fine",
    "never_seen": "Never seen",
    "failing": "Failing",
    "stale": "Stale",
    "disabled": "Disabled",
}


class CreatorsPageQuery(ListQuery, frozen=True, kw_only=True):
    """The creators to list; an empty field does not filter."""

    search: str = ""
    status: str = ""
    health: str = ""
    tag: str = ""
    project_id: str = ""

    @property
    def is_narrowed(self) -> bool:
        filters = (self.search, self.status, self.health, self.tag, self.project_id)
        return any(filters)

    @property
    def api_query(self) -> dict[str, str]:
        """Return the query of the API; those that fail were once a status."""
        query = super().api_query
        if self.status == "failing":
            del query["status"]
            query["failing"] = "true"
        return query

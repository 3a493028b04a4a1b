"""The query of the list of creators: all choices on the page are in its address."""

import re
from collections.abc import Mapping

from msgspec import field

from api.web.creators.columns import COLUMNS
from api.web.kit.list_query import FilterChip, ListQuery

STATUSES = {
    "": "Tracked",
    "active": "Active",
    "disabled": "Disabled",
    "removed": "Removed",
    "erased": "Erased",
    "all": "All",
}
HEALTHS = {
    "": "Any",
    "ok": "OK",
    "never_seen": "Never scraped",
    "failing": "Failing",
    "stale": "Stale",
    "disabled": "Disabled",
}

POSTING = {"": "Any", "true": "Stopped posting", "false": "Posting"}
CONNECTIONS = {"": "Any", "true": "Connected", "false": "Not connected"}
BOUNDS = {"": "at least", "at_most": "at most"}
_COMPARISONS = {"at_most": "<="}
_BOUND = re.compile(r"(?P<figure>[a-z_]+)(?P<comparison>[<>]=)(?P<number>[-0-9.]+)")


PATH = "/creators"


class CreatorsPageQuery(ListQuery, frozen=True, kw_only=True):
    """The creators to list; an empty field does not filter.

    ``figure``, ``bound`` and ``number`` are one filter: new_views at_most 1000, or at
    least that number with an empty ``bound``.
    """

    search: str = ""
    status: str = ""
    health: str = ""
    connected: str = ""
    tag: str = ""
    project_id: str = field(default="", name="project")
    campaign_id: str = ""
    stopped_posting: str = ""
    figure: str = ""
    bound: str = ""
    number: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Return whether a filter narrows the list of a project's creators."""
        of_it = (self.search, self.status, self.health, self.connected, self.tag)
        chosen = any((*of_it, self.campaign_id, self.stopped_posting))
        return chosen or bool(self.figure and self.number)

    def chips(self, names: Mapping[str, str]) -> list[FilterChip]:
        """Return the filters; ``names`` are those of campaigns by id."""
        said = {
            "status": ("Status: ", {"failing": "Failing", **STATUSES}.get(self.status)),
            "health": ("Health: ", HEALTHS.get(self.health)),
            "connected": ("Own account: ", CONNECTIONS.get(self.connected)),
            "tag": ("Tag: ", self.tag),
            "stopped_posting": ("", POSTING.get(self.stopped_posting)),
            "campaign_id": ("Campaign: ", names.get(self.campaign_id)),
        }
        chips = [
            self.chip(f"{label}{words or getattr(self, name)}", name)
            for name, (label, words) in said.items()
            if getattr(self, name)
        ]
        if self.figure and self.number:
            labels: dict[str, str] = {one.name: one.label for one in COLUMNS}
            bound = BOUNDS.get(self.bound, BOUNDS[""])
            text = f"{labels.get(self.figure, self.figure)} {bound} {self.number}"
            chips.append(self.chip(text, "figure", "bound", "number"))
        return chips

    @property
    def api_query(self) -> dict[str, str]:
        """Return the query of the API.

        Older addresses have the failing creators as a status.
        """
        query = super().api_query
        for name in ("figure", "bound", "number"):
            query.pop(name, None)
        if self.figure and self.number:
            comparison = _COMPARISONS.get(self.bound, ">=")
            query["figures"] = f"{self.figure}{comparison}{self.number}"
        if self.status == "failing":
            del query["status"]
            query["failing"] = "true"
        return query


def page_query_of(query: Mapping[str, str]) -> dict[str, str]:
    """Return the query of the page for one of the API; it has one bound of a figure."""
    found = {**query}
    if found.pop("failing", "") == "true":
        found["status"] = "failing"
    bound = _BOUND.fullmatch(found.pop("figures", ""))
    if bound is not None:
        is_most = bound["comparison"] == _COMPARISONS["at_most"]
        found |= {
            "figure": bound["figure"],
            "bound": "at_most" if is_most else "",
            "number": bound["number"],
        }
    return found

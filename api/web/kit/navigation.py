"""The main navigation: the pages that every page links to, in their order."""

from msgspec import Struct

# The links are in this order; a page is added to the list when it exists.
_PAGES = (
    ("/", "Home"),
    ("/creators", "Creators"),
    ("/videos", "Videos"),
    ("/campaigns", "Campaigns"),
    ("/projects", "Projects"),
    ("/inbox", "Inbox"),
    ("/compare", "Compare"),
    ("/operations", "Operations"),
)


class NavigationLink(Struct, frozen=True, kw_only=True):
    """A link; ``waiting`` is the number of waiting things there, None without any."""

    path: str
    label: str
    is_current: bool
    waiting: int | None = None


def navigation(path: str, *, waiting: int | None = None) -> list[NavigationLink]:
    """Return the links of the page at a path; ``waiting`` videos are in the inbox."""
    return [
        NavigationLink(
            path=link,
            label=label,
            is_current=_is_current(path, link),
            waiting=(waiting or None) if link == "/inbox" else None,
        )
        for link, label in _PAGES
    ]


def _is_current(path: str, link: str) -> bool:
    # A project's inbox belongs to the inbox, not to the projects.
    if path.endswith("/inbox"):
        return link == "/inbox"
    if link == "/":
        return path == link
    return path == link or path.startswith(f"{link}/")

"""The pages and actions that a search finds by their names."""

from msgspec import Struct

from domain.events import Scope


class NamedPlace(Struct, frozen=True, kw_only=True):
    """A page or an action, and the scope that it needs.

    ``words`` are other words that find it. ``is_of_operators`` is true if only
    operators of the installation have it.
    """

    label: str
    path: str
    words: str = ""
    scope: Scope = "read"
    is_action: bool = False
    is_of_operators: bool = False

    def is_named(self, text: str) -> bool:
        """Return whether each word of a text begins a word of the place."""
        own = f"{self.label} {self.words}".casefold().split()
        return all(
            any(word.startswith(part) for word in own)
            for part in text.casefold().split()
        )


PLACES = (
    NamedPlace(label="Home", path="/", words="dashboard overview"),
    NamedPlace(label="Creators", path="/creators", words="accounts"),
    NamedPlace(label="Videos", path="/videos", words="posts"),
    NamedPlace(label="Campaigns", path="/campaigns", words="targets"),
    NamedPlace(label="Inbox", path="/inbox", words="review waiting"),
    NamedPlace(label="Compare", path="/compare", words="comparison charts"),
    NamedPlace(label="Program Health", path="/alerts", words="alerts freshness"),
    NamedPlace(label="Rules", path="/alerts/rules", words="alerts conditions"),
    NamedPlace(label="Notifications", path="/notifications", words="bell news unread"),
    NamedPlace(label="Reports", path="/reports", words="mails weekly monthly issues"),
    NamedPlace(label="Projects", path="/projects", words="clients programmes"),
    NamedPlace(
        label="Organization",
        path="/settings/organization",
        words="settings name time zone limits usage plan",
    ),
    NamedPlace(
        label="Members",
        path="/members",
        words="settings people colleagues invite team roles",
        scope="admin",
    ),
    NamedPlace(
        label="API keys", path="/settings/keys", words="settings", scope="admin"
    ),
    NamedPlace(
        label="Webhooks",
        path="/settings/webhooks",
        words="settings events endpoints",
        scope="admin",
    ),
    NamedPlace(
        label="Channels",
        path="/settings/channels",
        words="settings alerts email slack discord ntfy",
        scope="admin",
    ),
    NamedPlace(
        label="Shared links",
        path="/settings/shares",
        words="settings clients",
        scope="write",
    ),
    NamedPlace(
        label="Sources",
        path="/settings/sources",
        words="settings tiktok providers costs",
        scope="admin",
        is_of_operators=True,
    ),
    NamedPlace(
        label="Personal data",
        path="/settings/personal-data",
        words="settings erase access request privacy",
    ),
    NamedPlace(
        label="Audit",
        path="/audit",
        words="settings members sign-ins who changed",
        scope="admin",
    ),
    NamedPlace(label="Jobs", path="/system/jobs", words="system scrapes failed retry"),
    NamedPlace(
        label="Read models",
        path="/system/read-models",
        words="system rebuild",
        scope="admin",
        is_of_operators=True,
    ),
    NamedPlace(
        label="Log",
        path="/system/log",
        words="system events trace requests types",
        scope="admin",
        is_of_operators=True,
    ),
    NamedPlace(
        label="Integrity",
        path="/system/integrity",
        words="system log roots check",
        scope="admin",
        is_of_operators=True,
    ),
    NamedPlace(
        label="Bans",
        path="/system/bans",
        words="system banned handles",
        scope="admin",
        is_of_operators=True,
    ),
    NamedPlace(label="API documentation", path="/docs", words="openapi help"),
    NamedPlace(
        label="Add creators",
        path="/creators/add",
        words="new import paste",
        scope="write",
        is_action=True,
    ),
    NamedPlace(
        label="Import history",
        path="/creators/import",
        words="csv file upload tiktok studio past numbers observations",
        scope="write",
        is_action=True,
    ),
    NamedPlace(
        label="Create a campaign",
        path="/campaigns#new",
        words="new add",
        scope="write",
        is_action=True,
    ),
    NamedPlace(
        label="Create a project",
        path="/projects#new",
        words="new add client",
        scope="write",
        is_action=True,
    ),
    NamedPlace(
        label="Invite somebody",
        path="/members#invite-title",
        words="new add member colleague",
        scope="admin",
        is_action=True,
    ),
    NamedPlace(
        label="Make a rule",
        path="/alerts/rules/new",
        words="new add alert",
        scope="write",
        is_action=True,
    ),
    NamedPlace(
        label="Create an API key",
        path="/settings/keys#new-title",
        words="new add",
        scope="admin",
        is_action=True,
    ),
    NamedPlace(
        label="Show failing creators",
        path="/creators?health=failing&project=all",
        words="errors problems",
        is_action=True,
    ),
    NamedPlace(
        label="Erase a person",
        path="/settings/personal-data",
        words="delete remove privacy",
        scope="admin",
        is_action=True,
    ),
)

"""The errors of the domain, drawn as a tree. Each one refuses a command or a query.

DomainError
├── InvalidHandleError          the text is no TikTok handle
├── InvalidWindowError          the tracking window ends before it starts
├── InvalidTimeZoneError        the name is no IANA time zone
├── InvalidEmailError           the text is no email address
├── BlankNameError              the name has no visible character
├── InvalidVideoUrlError        the text is no URL of a TikTok video
├── InvalidTagError             a tag is not allowed, or there are too many
├── InvalidFieldError           a field does not fit the rest
├── NotFoundError               the organization has nothing with this id
│   └── BeyondProjectsError     the person sees only some of its projects
├── LimitReachedError           the plan has no room left
├── ItemsRefusedError           at least one of several items was refused
├── QueueBehindError            scrapes requested earlier still wait
├── InvalidQuestionError        the parameters of a query contradict each other
├── RetentionExceededError      the plan does not keep history for so long
└── ConflictError               the present state forbids it
    ├── HandleTakenError
    ├── CreatorBannedError
    ├── ErasedAndBannedError
    ├── CreatorRemovedError
    ├── NoChangeError
    ├── CannotRetryError
    └── StaleVersionError

Errors of a single aggregate are in its package, such as ``domain.campaign.errors``.
Clients never see AnotherAccountError, with which the result of a scrape is refused, and
CorruptHistoryError, which reports a damaged log.

An error says what is wrong and has no HTTP status: ``api.http.errors`` adds that.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import date
from types import MappingProxyType
from typing import ClassVar

from domain.phrases import counted

# The things that plans limit, and the place or time in which they are counted.
_LIMITED = {
    "max_creators_per_org": ("creator", ""),
    "max_projects_per_org": ("project", ""),
    "max_api_keys_per_org": ("API key", ""),
    "max_views_per_org": ("saved view", ""),
    "max_webhooks_per_org": ("webhook", ""),
    "max_channels_per_org": ("channel", ""),
    "max_alert_rules_per_org": ("alert rule", " of your own"),
    "max_reports_per_org": ("report", ""),
    "max_reports_sent_per_day": ("report", " sent by hand a day"),
    "max_members_per_org": ("member", " with open invitations"),
    "max_campaigns_per_project": ("campaign", " in a project"),
    "max_campaign_items_per_campaign": ("member", " in a campaign"),
    "max_manual_scrape_triggers_per_day": ("scrape", " by hand a day"),
}


def _noun(limit_key: str) -> str:
    return limit_key.removeprefix("max_").removesuffix("s").replace("_", " ")


class DomainError(Exception):
    """The command was refused, and nothing was changed.

    ``field`` names the wrong field or parameter, if there is one, and ``reason`` says
    what is wrong with that field. ``details`` has further values for clients, by the
    names of the API.
    """

    code: str = "invalid_body"
    field: str | None = None
    details: Mapping[str, object] = MappingProxyType({})

    @property
    def reason(self) -> str:
        return str(self)

    @property
    def is_invalid_input(self) -> bool:
        """Return whether a value is wrong whatever is stored."""
        return self.code.startswith("invalid_")


class InvalidFieldError(DomainError):
    """A field does not fit the rest of the command; ``reason`` says why."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        if field is not None:
            self.field = field
        super().__init__(f"{self.field}: {reason}")
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


class InvalidHandleError(DomainError):
    """A handle has 1 to 30 of the characters a-z, 0-9, dot, underscore and hyphen.

    TikTok has no handle that ends with a dot.
    """

    code = "invalid_handle"

    def __init__(self, text: str, *, ends_with_dot: bool = False) -> None:
        shown = text if len(text) <= 60 else f"{text[:60]}..."
        reason = (
            "TikTok lets none end with a dot."
            if ends_with_dot
            else "it has 1 to 30 letters, digits, dots, underscores or hyphens."
        )
        super().__init__(f"{shown!r} is not a TikTok handle: {reason}")


class InvalidWindowError(DomainError):
    """The tracking window would end before it starts."""

    field = "tracking_end_date"

    def __init__(self) -> None:
        super().__init__("tracking_end_date must not be before tracking_start_date.")


class InvalidTimeZoneError(DomainError):
    """The name is not an IANA time zone."""

    field = "time_zone"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is no time zone; choose one such as Europe/Berlin.")

    @property
    def reason(self) -> str:
        return "choose a time zone from the list, such as Europe/Berlin"


class InvalidEmailError(DomainError):
    """The text is no email address."""

    field = "email"

    def __init__(self) -> None:
        super().__init__("must be an email address, such as ada@example.com")


class BlankNameError(DomainError):
    """A name must have a visible character; ``field`` says which name it is."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} must not be only blanks.")
        self.field = field

    @property
    def reason(self) -> str:
        return "must not be only blanks"


class InvalidVideoUrlError(DomainError):
    """The text is no URL of a TikTok video, or a short link without the video's id."""

    field = "url"

    def __init__(self, text: str, *, is_short_link: bool = False) -> None:
        shown = text if len(text) <= 60 else f"{text[:60]}..."
        reason = (
            "is a short link, which Goatherd does not follow: open it in a browser and "
            "give the long URL that it leads to."
            if is_short_link
            else "is not the URL of a TikTok video: "
            "https://www.tiktok.com/@handle/video/<id> or .../photo/<id>."
        )
        super().__init__(f"{shown!r} {reason}")


class InvalidTagError(DomainError):
    """A tag is empty, too long or has a comma, or there are too many tags.

    ``field`` is the list that has the tag.
    """

    def __init__(self, reason: str, *, field: str = "tags") -> None:
        super().__init__(f"tags {reason}.")
        self.field = field
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


class NotFoundError(DomainError):
    """The requesting organization has nothing of this kind with this id.

    ``field`` is the one that names it, if it is in a body.
    """

    code = "not_found"

    def __init__(self, kind: str, *, field: str | None = None) -> None:
        super().__init__(f"No such {kind}.")
        self.kind = kind
        self.field = field

    @property
    def reason(self) -> str:
        return f"names no {self.kind.replace('_', ' ')} that you may see"


class BeyondProjectsError(NotFoundError):
    """A person who is limited to some projects chose all of them together."""

    REASONS: ClassVar[Mapping[str, str]] = {
        "scope": "must be a project that you may see, or something in it",
        "query": (
            "must be of a project that you may see, unless the view is for you alone"
        ),
    }

    def __init__(self, field: str) -> None:
        super().__init__("project", field=field)

    def __str__(self) -> str:
        return f"The {self.field} {self.reason}."

    @property
    def reason(self) -> str:
        return self.REASONS[self.field or "scope"]


@contextmanager
def about_field(field: str) -> Generator[None]:
    """Let refusals of unknown things name the field that they are about."""
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(error.kind, field=field) from None


class LimitReachedError(DomainError):
    """The organization's plan has no room left for the command.

    ``limit_key`` names the limit, ``current`` is the count before the command, and
    ``maximum`` is what the plan allows. The message says both in words. ``among`` names
    a share of the limit, to which both belong.
    """

    code = "limit_reached"

    def __init__(
        self, limit_key: str, *, current: int, maximum: int, among: str = ""
    ) -> None:
        noun, place = _LIMITED.get(limit_key, (_noun(limit_key), ""))
        if among:
            place = f" {among}"
        super().__init__(
            f"The plan allows {counted(maximum, noun)}{place}, and there "
            f"{'is' if current == 1 else 'are'} {current:,} already."
        )
        self.limit_key = limit_key
        self.current = current
        self.maximum = maximum


class ItemsRefusedError(DomainError):
    """Some of the items were refused, so no item was changed.

    ``refusals`` has the reason of each refused item by its index, ``count`` is the
    number of all items, and the code is that of the first refusal.
    """

    def __init__(self, refusals: Mapping[int, DomainError], *, count: int) -> None:
        ordered = dict(sorted(refusals.items()))
        first = next(iter(ordered.values()))
        super().__init__(
            str(first)
            if count == 1
            else " ".join(f"items/{index}: {error}" for index, error in ordered.items())
        )
        self.code = first.code
        self.refusals = ordered


class QueueBehindError(DomainError):
    """The scrapes that the organization requested earlier have waited too long.

    ``retry_after`` is in seconds.
    """

    code = "rate_limit_exceeded"

    def __init__(self, *, waiting_seconds: float, retry_after: int) -> None:
        waited = counted(round(waiting_seconds / 60), "minute")
        super().__init__(
            f"The queue is behind: a scrape of yours has been due for {waited}. "
            f"Retry in {retry_after} s."
        )
        self.retry_after = retry_after


class InvalidQuestionError(InvalidFieldError):
    """The combination of metric, entity and mode makes no sense."""

    code = "invalid_query"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason, field=field)


class RetentionExceededError(DomainError):
    """The organization's plan does not show history from so long ago.

    ``days`` is how many days before today the plan shows.
    """

    code = "retention_exceeded"

    def __init__(self, days: int, *, earliest: date) -> None:
        shown = counted(days, "day")
        super().__init__(f"The plan shows {shown} of history from {earliest} on.")
        self.days = days
        self.earliest = earliest


class ConflictError(DomainError):
    """The command contradicts the present state."""


class HandleTakenError(ConflictError):
    """Another creator of the project holds the handle.

    The words are the same for one that was moved away, because the one who asks may not
    see where it is.
    """

    code = "handle_taken"

    def __init__(self, handle: str) -> None:
        super().__init__(f"@{handle} is taken in this project.")


class CreatorBannedError(ConflictError):
    """The handle is banned on this installation."""

    code = "creator_banned"

    def __init__(self, handle: str) -> None:
        super().__init__(f"@{handle} is banned and cannot be tracked.")


class ErasedAndBannedError(ConflictError):
    """The account was erased, and a ban keeps the organization from tracking it."""

    code = "erased_and_banned"

    def __init__(self) -> None:
        super().__init__("The account was erased and is banned.")


class CreatorRemovedError(ConflictError):
    """The creator was removed; add the handle again to bring it back."""

    code = "creator_removed"

    def __init__(self) -> None:
        super().__init__("The creator was removed; add the handle again first.")


class NoChangeError(ConflictError):
    """The new handle is the one the creator already has."""

    code = "no_change"

    def __init__(self, handle: str) -> None:
        super().__init__(f"The creator's handle already is @{handle}.")


class CannotRetryError(ConflictError):
    """A run can be retried only if it ran on this installation and has failed."""

    code = "cannot_retry"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The scrape cannot be tried again: {reason}.")


class StaleVersionError(ConflictError):
    """The stream has changed since it was read.

    ``current`` is its version now.
    """

    code = "version_conflict"

    def __init__(self, current: int) -> None:
        super().__init__(f"The version is now {current}; read again and retry.")
        self.current = current


class AnotherAccountError(Exception):
    """A scrape observed another TikTok account than the creator's.

    ``found`` and ``known`` are the user ids of the two accounts.
    """

    def __init__(self, *, found: str, known: str) -> None:
        super().__init__(f"It is of the account {found}, not of {known}.")
        self.found = found
        self.known = known


class CorruptHistoryError(Exception):
    """The first event of a stream is wrong, or an event can't follow the one before."""

"""Ids of streams and quota counters, computed from the things that they belong to."""

import hmac
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b, sha1
from typing import Literal
from uuid import UUID, uuid5

import msgspec

# The bits of a UUID that hold version 5 and variant 2, and all other bits.
_MARKS = 0x5 << 76 | 0x2 << 62
_OTHERS = (1 << 128) - 1 ^ (0xF << 76 | 0x3 << 62)

_NAMESPACE = UUID("5f1c2a0e-6d0b-5a39-9a0e-90a7be2d0c01")
_CLAIM = uuid5(_NAMESPACE, "handle claim")
_ACCOUNT = uuid5(_NAMESPACE, "account")
_BAN = uuid5(_NAMESPACE, "platform handle")
_SCRAPE = uuid5(_NAMESPACE, "scrape")
_RETRY = uuid5(_NAMESPACE, "retried run")
_IMPORTED = uuid5(_NAMESPACE, "imported run")
_MEMBERSHIP = uuid5(_NAMESPACE, "membership")
_VIDEO = uuid5(_NAMESPACE, "video")
# Stored keys were made with this text, so it keeps the table's former name.
_COUNTER = uuid5(_NAMESPACE, "tally")
_ERASURES = uuid5(_NAMESPACE, "erasures")
_ERASED_BANS = uuid5(_NAMESPACE, "erased bans")
_ERASED_ACCOUNT = uuid5(_NAMESPACE, "erased account")
_MERGED = uuid5(_NAMESPACE, "merged annotation")
_MERGED_RUN = uuid5(_NAMESPACE, "merged run")
_ANNOTATION = uuid5(_NAMESPACE, "system annotation")
_VIEW = uuid5(_NAMESPACE, "built-in view")
_ALERT_RULE = uuid5(_NAMESPACE, "built-in alert rule")
_ALERT = uuid5(_NAMESPACE, "alert")
_SOURCE = uuid5(_NAMESPACE, "source")
_REPORT_ISSUE = uuid5(_NAMESPACE, "report issue")
_TEXTS = uuid5(_NAMESPACE, "texts")
_ACTIVITY = uuid5(_NAMESPACE, "activity")
_EMAIL = uuid5(_NAMESPACE, "email")
_IDENTITY = uuid5(_NAMESPACE, "identity at a provider")

_RECIPIENT = uuid5(_NAMESPACE, "recipient of a report")

# The stream of events about the installation itself.
INSTALLATION = uuid5(_NAMESPACE, "installation")


def _uuid5(namespace: UUID, name: str) -> UUID:
    """Compute ``uuid.uuid5`` in half the time.

    A command that adds fifty creators computes two hundred of them.
    """
    digest = sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()
    return _marked(digest)


def _marked(digest: bytes) -> UUID:
    return UUID(int=int.from_bytes(digest[:16]) & _OTHERS | _MARKS)


class Names(msgspec.Struct, frozen=True):
    """Ids and pseudonyms that are computed from handles and TikTok's ids.

    They are keyed, so that somebody who only has the log cannot guess a handle and
    check it. ``key`` is None in an installation whose log began without a key: there
    the ids are plain hashes, and videos have their ids on TikTok as pseudonyms.

    When a video is observed again after its creator was erased, the video gets another
    pseudonym, that of the next generation. ``generations`` has the generations above 0
    of one project's videos, by their ids on TikTok. Without ``key``, the pseudonyms of
    these generations are made with ``later_key``.
    """

    key: bytes | None = None
    later_key: bytes | None = None
    generations: Mapping[str, int] = {}

    def __repr__(self) -> str:
        return "Names(***)"

    def claim_stream(self, project_id: UUID, handle: str) -> UUID:
        return self._id(_CLAIM, f"{project_id}/{handle}")

    def ban_stream(self, handle: str) -> UUID:
        return self._id(_BAN, handle)

    def erased_account(
        self, organization_id: UUID, kind: Literal["handle", "user_id"], name: str
    ) -> UUID:
        """Return the hash by which an organization's ban knows an erased account."""
        account = _ERASED_ACCOUNT.bytes + f"{organization_id}/{kind}/{name}".encode()
        return _marked(hmac.digest(self._any_key, account, "sha256"))

    def email_digest(self, email: str) -> bytes:
        """Return the keyed hash by which the directory of people knows an address."""
        return hmac.digest(self._any_key, _EMAIL.bytes + email.encode(), "sha256")

    def recipient_digest(self, report_id: UUID, email: str) -> bytes:
        """Return the keyed hash by which a recipient of a report unsubscribes."""
        recipient = _RECIPIENT.bytes + report_id.bytes + email.encode()
        return hmac.digest(self._any_key, recipient, "sha256")

    def identity_digest(self, issuer: str, subject: str) -> bytes:
        """Return the keyed hash by which a person of an OpenID provider is known."""
        identity = _IDENTITY.bytes + f"{issuer}\n{subject}".encode()
        return hmac.digest(self._any_key, identity, "sha256")

    def pseudonym(self, tiktok_video_id: str) -> str:
        """Return the name of a video in snapshots: a number of 63 bits, in digits."""
        generation = self.generations.get(tiktok_video_id, 0)
        return self.pseudonym_of_generation(tiktok_video_id, generation)

    def pseudonym_of_generation(self, tiktok_video_id: str, generation: int) -> str:
        """Return a video's pseudonym after ``generation`` erasures of its creators."""
        if generation == 0:
            if self.key is None:
                return tiktok_video_id
            return _pseudonym(self.key, tiktok_video_id)
        return _pseudonym(self._any_key, f"{tiktok_video_id}/{generation}")

    @property
    def _any_key(self) -> bytes:
        key = self.key or self.later_key
        assert key is not None, "an installation has one of the two"
        return key

    def _id(self, namespace: UUID, name: str) -> UUID:
        if self.key is None:
            return _uuid5(namespace, name)
        return _marked(hmac.digest(self.key, namespace.bytes + name.encode(), "sha256"))


# An import reads the same few thousand videos a hundred times.
@lru_cache(maxsize=65_536)
def _pseudonym(key: bytes, tiktok_video_id: str) -> str:
    digest = blake2b(tiktok_video_id.encode(), key=key, digest_size=8).digest()
    return str(int.from_bytes(digest) >> 1)


def account_stream(creator_id: UUID, returns: int) -> UUID:
    """Return the stream of a creator's account.

    A creator that came back ``returns`` times may be another account each time.
    """
    return _uuid5(_ACCOUNT, f"{creator_id}/{returns}")


def scrape_stream(cause: UUID, creator_id: UUID, job_type: str) -> UUID:
    """Return the stream of the run that the command ``cause`` requests.

    A command that is repeated with the same id therefore requests the same run.
    """
    return _uuid5(_SCRAPE, f"{cause}/{creator_id}/{job_type}")


def retry_stream(scrape_id: UUID) -> UUID:
    """Return the stream of the one run that retries a failed run."""
    return _uuid5(_RETRY, f"{scrape_id}")


def imported_run_stream(
    project_id: UUID, creator_id: UUID, observed_at: datetime, part: int
) -> UUID:
    """Return the stream of an imported run of a creator, at a time in UTC.

    Observations of the same time that are imported later, or that contradict earlier
    ones, are stored in further parts. Parts are numbered from 0 without a gap.
    """
    return _uuid5(
        _IMPORTED, f"{project_id}/{creator_id}/{observed_at.isoformat()}/{part}"
    )


def video_stream(project_id: UUID, pseudonym: str) -> UUID:
    """Return the stream of a video in a project, which is also the video's id there."""
    return _uuid5(_VIDEO, f"{project_id}/{pseudonym}")


def membership_stream(item_id: UUID) -> UUID:
    """Return the stream that lists the campaigns of an item."""
    return _uuid5(_MEMBERSHIP, f"{item_id}")


def erasures_stream(organization_id: UUID) -> UUID:
    """Return the stream that numbers the erased creators of an organization."""
    return _uuid5(_ERASURES, f"{organization_id}")


def erased_bans_stream(organization_id: UUID) -> UUID:
    return _uuid5(_ERASED_BANS, f"{organization_id}")


def creators_counter(organization_id: UUID) -> UUID:
    """Return the key of the quota counter of an organization's active creators."""
    return _uuid5(_COUNTER, f"{organization_id}/creators")


def manual_scrapes_counter(organization_id: UUID, day: date) -> UUID:
    """Return the key of the quota counter of one UTC day's manual scrapes."""
    return _uuid5(_COUNTER, f"{organization_id}/manual_scrapes/{day.isoformat()}")


def campaigns_counter(project_id: UUID) -> UUID:
    """Return the key of the quota counter of a project's campaigns."""
    return _uuid5(_COUNTER, f"{project_id}/campaigns")


def views_counter(organization_id: UUID) -> UUID:
    """Return the key of the quota counter of an organization's saved views."""
    return _uuid5(_COUNTER, f"{organization_id}/views")


def webhooks_counter(organization_id: UUID) -> UUID:
    """Return the key of the quota counter of an organization's webhooks."""
    return _uuid5(_COUNTER, f"{organization_id}/webhooks")


def channels_counter(organization_id: UUID) -> UUID:
    """Return the key of the quota counter of an organization's channels."""
    return _uuid5(_COUNTER, f"{organization_id}/channels")


def reports_counter(organization_id: UUID) -> UUID:
    """Return the key of the quota counter of an organization's reports."""
    return _uuid5(_COUNTER, f"{organization_id}/reports")


def sent_reports_counter(organization_id: UUID, day: date) -> UUID:
    """Return the key of the quota counter of one UTC day's reports sent by hand."""
    return _uuid5(_COUNTER, f"{organization_id}/sent_reports/{day.isoformat()}")


def demo_report(organization_id: UUID) -> UUID:
    """Return the id of the report that the demo has from the start."""
    return _uuid5(_REPORT_ISSUE, f"{organization_id}/demo")


def report_issue(report_id: UUID, number: int) -> UUID:
    """Return the id of an issue, by its number among those of its report."""
    return _uuid5(_REPORT_ISSUE, f"{report_id}/{number}")


def texts_subject(of: UUID, forgotten: int) -> UUID:
    """Return the subject of a thing's texts, after earlier texts were forgotten.

    ``forgotten`` is how often that happened. The subject differs from the thing's id,
    because annotations on the thing are sealed under its id.
    """
    return _uuid5(_TEXTS, f"{of}/{forgotten}")


def system_annotation(of: UUID, what: str) -> UUID:
    """Return the id of a derived annotation; ``what`` names the cause within ``of``."""
    return _uuid5(_ANNOTATION, f"{of}/{what}")


def built_in_view(organization_id: UUID, name: str) -> UUID:
    """Return the id of a view that an organization has from the start."""
    return _uuid5(_VIEW, f"{organization_id}/{name}")


def built_in_alert_rule(organization_id: UUID, name: str) -> UUID:
    """Return the id of an alert rule that an organization has from the start."""
    return _uuid5(_ALERT_RULE, f"{organization_id}/{name}")


def alert_stream(rule_id: UUID, subject_key: str, number: int) -> UUID:
    """Return the id of an alert: the one with this number, from 0, of a subject."""
    return _uuid5(_ALERT, f"{rule_id}/{subject_key}/{number}")


def source_stream(organization_id: UUID, provider: str) -> UUID:
    """Return the id of a source in an organization, whose scrapes ask it."""
    return _uuid5(_SOURCE, f"{organization_id}/{provider}")


def alert_rules_counter(organization_id: UUID) -> UUID:
    """Return the key of the quota counter of the alert rules of an organization."""
    return _uuid5(_COUNTER, f"{organization_id}/alert_rules")


def activity_row(of: UUID, what: str) -> UUID:
    """Return the id of a row of activity; ``what`` names the cause within ``of``."""
    return _uuid5(_ACTIVITY, f"{of}/{what}")


def merged_annotation(annotation_id: UUID) -> UUID:
    """Return the id that a note of a single video gets on the creator's video."""
    return _uuid5(_MERGED, f"{annotation_id}")


def merged_run_stream(video_id: UUID, version: int) -> UUID:
    """Return the stream of the run with a merged single video's observations.

    ``version`` is that of the single video's stream before the merge.
    """
    return _uuid5(_MERGED_RUN, f"{video_id}/{version}")

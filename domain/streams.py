"""Ids of streams and quota counters, computed from what they are about."""

import hmac
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b, sha1
from typing import Literal
from uuid import UUID, uuid5

import msgspec

# The bits of a UUID that say version 5 and variant, and all others.
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
# The text is part of keys that are stored, so it does not follow the table's name.
_COUNTER = uuid5(_NAMESPACE, "tally")
_ERASURES = uuid5(_NAMESPACE, "erasures")
_ERASED_BANS = uuid5(_NAMESPACE, "erased bans")
_ERASED_ACCOUNT = uuid5(_NAMESPACE, "erased account")
_MERGED = uuid5(_NAMESPACE, "merged annotation")
_ANNOTATION = uuid5(_NAMESPACE, "system annotation")
_TEXTS = uuid5(_NAMESPACE, "texts")

# The stream of what happens to the installation itself.
INSTALLATION = uuid5(_NAMESPACE, "installation")


def _uuid5(namespace: UUID, name: str) -> UUID:
    """Return what ``uuid.uuid5`` does, in half the time.

    A command that adds fifty creators computes two hundred of them.
    """
    digest = sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()
    return _marked(digest)


def _marked(digest: bytes) -> UUID:
    return UUID(int=int.from_bytes(digest[:16]) & _OTHERS | _MARKS)


class Names(msgspec.Struct, frozen=True):
    """Computes what follows from handles and TikTok's ids, under a key of its own.

    With the key, whoever has only the log cannot find out by trying whose an id is.
    ``key`` is None in an installation whose log began without one: there ids are plain
    hashes, and videos go by their ids on TikTok.

    A video whose creator was erased gets another pseudonym when it is seen again: that
    of the next generation. ``generations`` has those that are not 0, by the ids on
    TikTok of one project's videos. Without ``key`` they are made with ``later_key``.
    """

    key: bytes | None = None
    later_key: bytes | None = None
    generations: Mapping[str, int] = {}

    def __repr__(self) -> str:
        return "Names(***)"

    def claim_stream(self, project_id: UUID, handle: str) -> UUID:
        """Return the stream of the claim on ``handle`` in a project."""
        return self._id(_CLAIM, f"{project_id}/{handle}")

    def ban_stream(self, handle: str) -> UUID:
        """Return the stream of the bans of ``handle`` on this installation."""
        return self._id(_BAN, handle)

    def erased_account(
        self, organization_id: UUID, kind: Literal["handle", "user_id"], name: str
    ) -> UUID:
        """Return what a banned erased account is known by in an organization."""
        account = _ERASED_ACCOUNT.bytes + f"{organization_id}/{kind}/{name}".encode()
        return _marked(hmac.digest(self._any_key, account, "sha256"))

    def pseudonym(self, tiktok_video_id: str) -> str:
        """Return what a video goes by in snapshots: a number of 63 bits, in digits."""
        generation = self.generations.get(tiktok_video_id, 0)
        return self.pseudonym_of_generation(tiktok_video_id, generation)

    def pseudonym_of_generation(self, tiktok_video_id: str, generation: int) -> str:
        """Return what a video goes by after so many erasures of whoever had it."""
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


# An import has the same few thousand videos a hundred times.
@lru_cache(maxsize=65_536)
def _pseudonym(key: bytes, tiktok_video_id: str) -> str:
    digest = blake2b(tiktok_video_id.encode(), key=key, digest_size=8).digest()
    return str(int.from_bytes(digest) >> 1)


def account_stream(creator_id: UUID, returns: int) -> UUID:
    """Return the stream of the account that a creator is, after so many returns."""
    return _uuid5(_ACCOUNT, f"{creator_id}/{returns}")


def scrape_stream(cause: UUID, creator_id: UUID, job_type: str) -> UUID:
    """Return the stream of the run that the command ``cause`` requests.

    A command that is repeated with its id therefore requests the same run.
    """
    return _uuid5(_SCRAPE, f"{cause}/{creator_id}/{job_type}")


def retry_stream(scrape_id: UUID) -> UUID:
    """Return the stream of the run that retries a failed run; there is only one."""
    return _uuid5(_RETRY, f"{scrape_id}")


def imported_run_stream(
    project_id: UUID, creator_id: UUID, observed_at: datetime, part: int
) -> UUID:
    """Return the stream of an imported run of a creator, at a time in UTC.

    Observations of the same time that are imported later, or that contradict it, are
    stored as further parts, which are numbered from 0 without a gap.
    """
    return _uuid5(
        _IMPORTED, f"{project_id}/{creator_id}/{observed_at.isoformat()}/{part}"
    )


def video_stream(project_id: UUID, pseudonym: str) -> UUID:
    """Return the stream of a video in a project, which is also the video's id there."""
    return _uuid5(_VIDEO, f"{project_id}/{pseudonym}")


def membership_stream(item_id: UUID) -> UUID:
    """Return the stream of the campaigns that an item is in."""
    return _uuid5(_MEMBERSHIP, f"{item_id}")


def erasures_stream(organization_id: UUID) -> UUID:
    """Return the stream that numbers the erased creators of an organization."""
    return _uuid5(_ERASURES, f"{organization_id}")


def erased_bans_stream(organization_id: UUID) -> UUID:
    """Return the stream of an organization's bans of erased accounts."""
    return _uuid5(_ERASED_BANS, f"{organization_id}")


def creators_counter(organization_id: UUID) -> UUID:
    """Return the key under which an organization's active creators are counted."""
    return _uuid5(_COUNTER, f"{organization_id}/creators")


def manual_scrapes_counter(organization_id: UUID, day: date) -> UUID:
    """Return the key under which one UTC day's manual scrapes are counted."""
    return _uuid5(_COUNTER, f"{organization_id}/manual_scrapes/{day.isoformat()}")


def campaigns_counter(project_id: UUID) -> UUID:
    """Return the key under which a project's campaigns are counted."""
    return _uuid5(_COUNTER, f"{project_id}/campaigns")


def texts_subject(of: UUID, forgotten: int) -> UUID:
    """Return the subject of the texts of a thing, after they were forgotten so often.

    It is not the thing's id, because annotations on the thing are sealed with that.
    """
    return _uuid5(_TEXTS, f"{of}/{forgotten}")


def system_annotation(of: UUID, what: str) -> UUID:
    """Return the id of the annotation of something that follows from the log."""
    return _uuid5(_ANNOTATION, f"{of}/{what}")


def merged_annotation(annotation_id: UUID) -> UUID:
    """Return the id of a note on a single video once it is on the creator's video."""
    return _uuid5(_MERGED, f"{annotation_id}")

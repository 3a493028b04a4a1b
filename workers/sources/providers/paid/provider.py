"""The base of all paid services: profiles, lists and single videos."""

from abc import ABC, abstractmethod
from typing import cast

from msgspec import Struct

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Blocked,
    Failure,
    NotFound,
    Ok,
    Private,
    RateLimited,
    SchemaChanged,
    Unavailable,
    Verdict,
)
from infra.http_out.refusals import Refusal, RefusedError
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.providers.paid.listing import PaidList, PaidPage
from workers.sources.providers.paid.replies import PaidReply, refusal_in_words
from workers.sources.providers.paid.rows import seen_video_of
from workers.sources.providers.paid.session import PaidSession, PaidSite
from workers.sources.shapes.app import as_web_counters, as_web_user
from workers.sources.shapes.codes import reason_of_code, refusal_of_code
from workers.sources.shapes.identity import refuse_another_account, requested_handle
from workers.sources.shapes.json_values import code_of, id_of, within
from workers.sources.shapes.web import SeenAccount, account_of

# Up to this many videos are requested one by one; for more, the list is read first.
FEW_VIDEOS = 4
# At most this many videos that the list does not show are requested in a run.
MOST_SINGLE_VIDEOS = 10
# After this many unreadable videos, the others are not tried.
_MOST_REFUSALS = 3


class PaidQuestion(Struct, frozen=True):
    """A request: a path of the service, and its parameters."""

    path: str
    parameters: dict[str, str]


class PaidProvider(Provider, ABC):
    """Reads creators through a paid service; threads may share it.

    A service's own module has the requests and the places of fields in the reply. The
    shape of a row or an account is TikTok's, one of its two.
    """

    name: str

    def __init__(self, site: PaidSite) -> None:
        self.site = site

    @abstractmethod
    def profile_of(self, handle: str) -> PaidQuestion: ...

    @abstractmethod
    def account_in(self, body: object) -> object:
        """Return the object that has ``user`` and perhaps ``stats``."""

    @abstractmethod
    def list_of(
        self, target: Target, *, handle: str, cursor: str | None
    ) -> PaidQuestion:
        """Return the request of a page of the list, the first page without a cursor."""

    @abstractmethod
    def page_in(self, body: object) -> PaidPage | None:
        """Return a page of the list, None if there is none."""

    @abstractmethod
    def video_of(self, handle: str, video_id: str) -> PaidQuestion: ...

    @abstractmethod
    def row_in(self, body: object) -> object:
        """Return the row of a single video, None if there is none."""

    def creator_profiles(self, target: Target) -> Verdict:
        with PaidSession(self.site) as session:
            try:
                account = self._account(session, target)
            except RefusedError as refused:
                return refused.verdict
            return self._ok(session, account=account)

    def discover_videos(self, target: Target) -> Verdict:
        """List the videos; a list without any is believed only if the profile says so.

        A list that ends early, at a limit of the run or a refusal, is partial.
        """
        with PaidSession(self.site) as session:
            account = None
            try:
                listed = self._list(session, target)
                if not listed.videos:
                    account = self._account(session, target)
                    if account.profile.video_count != 0:
                        return Blocked(
                            f"{self._title} sent an empty list of an account's videos."
                        )
            except RefusedError as refused:
                return refused.verdict
            return self._ok(
                session,
                account=account,
                videos=tuple(listed.videos.values()),
                listed_reason=listed.partial_because,
                cut_by=listed.cut_by,
            )

    def video_stats(self, target: Target) -> Verdict:
        """Read the requested videos, in the list if they are many.

        Videos that the list does not show are requested one by one, a few in each run.
        """
        if not target.video_ids:
            return self.discover_videos(target)
        ids = [i for i in dict.fromkeys(target.video_ids) if id_of(i)]
        with PaidSession(self.site) as session:
            videos: dict[str, VideoObservation] = {}
            try:
                if len(ids) > FEW_VIDEOS:
                    listed = self._list(session, target, until=frozenset(ids))
                    videos = {i: listed.videos[i] for i in ids if i in listed.videos}
                left = [i for i in ids if i not in videos][:MOST_SINGLE_VIDEOS]
                found, missing, refusal = self._read_single(session, target, left)
            except RefusedError as refused:
                return refused.verdict
            videos |= found
            if refusal and not (videos or missing):
                return refusal
            return self._ok(session, videos=tuple(videos.values()), missing=missing)

    @property
    def _title(self) -> str:
        return self.site.service.name

    def _account(self, session: PaidSession, target: Target) -> SeenAccount:
        handle = requested_handle(target)
        subject = f"@{handle}"
        question = self.profile_of(handle)
        reply = session.ask(question.path, question.parameters, subject=subject)
        found = self.account_in(reply.body)
        if refusal := _refusal_of_tiktok(reply.body, handle=handle):
            raise RefusedError(refusal)
        user = within(found, "user")
        if not user or not isinstance(user, dict):
            raise RefusedError(self._refusal_in_words(reply, subject))
        exact = within(found, "statsV2")
        account = account_of(
            as_web_user(cast("object", user)),
            exact={
                **as_web_counters(cast("object", user)),
                **(cast("dict[str, object]", exact) if isinstance(exact, dict) else {}),
            },
            rounded=within(found, "stats"),
            subject=f"{self._title}'s answer about {subject}",
            handle=handle,
        )
        refuse_another_account(account, target, handle=handle)
        return account

    def _list(
        self,
        session: PaidSession,
        target: Target,
        *,
        until: frozenset[str] | None = None,
    ) -> PaidList:
        handle = requested_handle(target)
        subject = f"@{handle}"

        def page_after(cursor: str | None) -> PaidPage:
            question = self.list_of(target, handle=handle, cursor=cursor)
            reply = session.ask(question.path, question.parameters, subject=subject)
            if refusal := _refusal_of_tiktok(reply.body, handle=handle):
                raise RefusedError(refusal)
            page = self.page_in(reply.body)
            if page is None:
                raise RefusedError(self._refusal_in_words(reply, subject))
            return page

        listed = PaidList(self._title, handle=handle, user_id=target.user_id)
        listed.read(page_after, until=until)
        return listed

    def _read_single(
        self, session: PaidSession, target: Target, ids: list[str]
    ) -> tuple[dict[str, VideoObservation], tuple[str, ...], Refusal | None]:
        """Return the videos, those that are not shown, and the first failure."""
        handle = requested_handle(target)
        found: dict[str, VideoObservation] = {}
        missing: list[str] = []
        refusals: list[Refusal] = []
        for video_id in ids:
            if len(refusals) >= _MOST_REFUSALS:
                break
            try:
                video = self._single(session, target, handle=handle, video_id=video_id)
            except RefusedError as refused:
                if isinstance(refused.verdict, NotFound | Private | Unavailable):
                    missing.append(video_id)
                    continue
                refusals.append(refused.verdict)
                # A single video may be broken; these verdicts are about all of them.
                if isinstance(refused.verdict, Blocked | RateLimited):
                    break
            else:
                if video is not None:
                    found[video_id] = video
        return found, tuple(missing), next(iter(refusals), None)

    def _single(
        self, session: PaidSession, target: Target, *, handle: str, video_id: str
    ) -> VideoObservation | None:
        """Return the video, None if it belongs to another account."""
        subject = f"video {video_id}"
        question = self.video_of(handle, video_id)
        reply = session.ask(question.path, question.parameters, subject=subject)
        code = _code_in(reply.body)
        if code and reason_of_code(code):
            raise RefusedError(NotFound(f"TikTok shows no {subject} (code {code})."))
        row = self.row_in(reply.body)
        if not row:
            raise RefusedError(self._refusal_in_words(reply, subject))
        seen = seen_video_of(row)
        if seen is None or seen.video.tiktok_video_id != video_id:
            raise RefusedError(
                SchemaChanged(f"{self._title} answered with another than {subject}.")
            )
        if seen.is_withdrawn:
            raise RefusedError(NotFound(f"{subject.capitalize()} was withdrawn."))
        is_theirs = seen.is_by(user_id=target.user_id, handle=handle)
        return seen.video if is_theirs else None

    def _refusal_in_words(self, reply: PaidReply, subject: str) -> Refusal:
        return refusal_in_words(
            reply, self.site.service, subject=subject, now=self.site.now()
        )

    def _ok(
        self,
        session: PaidSession,
        *,
        account: SeenAccount | None = None,
        videos: tuple[VideoObservation, ...] = (),
        missing: tuple[str, ...] = (),
        listed_reason: str | None = None,
        cut_by: Failure | None = None,
    ) -> Ok:
        return Ok(
            observed_at=self.site.now(),
            profile=account.profile if account else None,
            videos=videos,
            missing=missing,
            listed_reason=listed_reason,
            cut_by=cut_by,
            pages=session.requests,
            payload_sha256=session.digest,
        )


def _code_in(body: object) -> int | None:
    """Return TikTok's own status code, which some services pass on."""
    codes = (code_of(within(body, name)) for name in ("statusCode", "status_code"))
    return next((code for code in codes if code), None)


def _refusal_of_tiktok(body: object, *, handle: str) -> Refusal | None:
    code = _code_in(body)
    return refusal_of_code(code, handle=handle) if code else None

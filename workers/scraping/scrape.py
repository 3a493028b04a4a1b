"""One scrape: lease the job, ask the provider, record the result once."""

from contextlib import nullcontext
from typing import TypeVar, assert_never, cast
from uuid import UUID, uuid5

import msgspec
import structlog
from dramatiq import Broker, actor
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.same_account import FirstProfile
from domain import commands as c
from domain import events as e
from domain.errors import AnotherAccountError
from domain.scrape.handlers.scrapes import end_scrape
from domain.scrape.observations import ProfileObservation, VideoObservation
from domain.scrape.verdicts import (
    Blocked,
    IdentityChanged,
    NotFound,
    NotInRecording,
    Ok,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
    another_account,
    outcome_of,
)
from domain.subjects import SubjectErasedError
from domain.video.attributes import Sound
from infra.eventstore.append import Context
from infra.eventstore.execute import RecordedHistories, execute
from infra.eventstore.store import Store
from projections.videos.erased import names_after_erasures
from workers.broker import SCRAPE_ACTOR, SCRAPES_QUEUE
from workers.policies.auto_disable import is_third_strike
from workers.scraping import jobs, retry_policy
from workers.scraping.jobs import JobLease
from workers.scraping.lease_renewal import RUN_SECONDS, LeaseRenewer
from workers.scraping.scrape_input import (
    NotTrackedError,
    ScrapeInput,
    load_scrape_input,
)
from workers.scraping.video_details import only_news
from workers.sources.chain import Answered, CannotServe, Chain

Snapshot = TypeVar("Snapshot", c.ProfileSnapshot, c.VideoSnapshot)

_log = structlog.get_logger()


class ScrapeDependencies(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that each run uses: the store, the providers, the length of a lease."""

    store: Store
    chain: Chain
    lease_seconds: int = jobs.LEASE_SECONDS


def declare_actor(broker: Broker, dependencies: ScrapeDependencies) -> None:
    """Make ``broker`` call ``scrape_creator`` for each message of the queue."""
    renewer = LeaseRenewer(
        dependencies.store.pool,
        seconds=dependencies.lease_seconds,
        providers=len(dependencies.chain.providers),
    )

    @actor(broker=broker, actor_name=SCRAPE_ACTOR, queue_name=SCRAPES_QUEUE)
    def _(scrape_id: str) -> None:
        scrape_creator(dependencies, UUID(scrape_id), renewer=renewer)


def scrape_creator(
    dependencies: ScrapeDependencies,
    scrape_id: UUID,
    *,
    renewer: LeaseRenewer | None = None,
) -> None:
    """Do one run, if it is due and no other worker does it.

    Receiving a message twice does no harm: a job that is done or leased is left alone,
    and a result that comes after the end of its lease is refused by its fence. Without
    a ``renewer`` the lease is not renewed, and without a source the job waits.
    """
    if not dependencies.chain.providers:
        return
    leased = jobs.lease(
        dependencies.store.pool, scrape_id, seconds=dependencies.lease_seconds
    )
    if leased is None:
        return
    log = _log.bind(scrape_id=str(scrape_id), attempt=leased.attempt)
    try:
        with renewer.keeping(leased) if renewer else nullcontext():
            _attempt(dependencies, leased)
    except jobs.FencedOffError:
        log.warning("scrape_fenced_off")


def _attempt(dependencies: ScrapeDependencies, leased: JobLease) -> None:
    if leased.attempt > retry_policy.MAX_ATTEMPTS:
        _quarantine(dependencies, leased)
        return
    try:
        given = load_scrape_input(
            dependencies.store,
            leased,
            reads_in_turn=dependencies.chain.reads_in_turn,
        )
    except NotTrackedError as error:
        _give_up(dependencies, leased, error=str(error))
        return
    creator_id = leased.creator_id
    answered = dependencies.chain.ask(
        leased.job_type,
        given.target,
        longest_wait=0
        if leased.attempt == retry_policy.MAX_ATTEMPTS
        else RUN_SECONDS[leased.job_type],
        is_third_strike=lambda: (
            creator_id is not None
            and is_third_strike(dependencies.store.pool, creator_id)
        ),
    )
    if isinstance(answered, CannotServe):
        if answered.until_midnight:
            jobs.put_off(dependencies.store.pool, leased, error=answered.detail)
        else:
            _give_up(dependencies, leased, error=answered.detail)
        return
    verdict = answered.verdict
    match verdict:
        case Ok():
            try:
                _record_result(dependencies, leased, given, answered, verdict)
            except AnotherAccountError as error:
                refused = another_account(
                    given.target.handle, found=error.found, known=error.known
                )
                _give_up(
                    dependencies,
                    leased,
                    error=refused.detail,
                    outcome=outcome_of(refused),
                    answered=answered,
                )
        case (
            NotFound()
            | Private()
            | Unavailable()
            | IdentityChanged()
            | NotInRecording()
        ):
            _give_up(
                dependencies,
                leased,
                error=verdict.detail,
                outcome=outcome_of(verdict),
                answered=answered,
            )
        case Blocked() | RateLimited() | Transient() | SchemaChanged():
            _try_later(dependencies, leased, answered, verdict)
        case _:
            assert_never(verdict)


def _record_result(
    dependencies: ScrapeDependencies,
    leased: JobLease,
    given: ScrapeInput,
    answered: Answered,
    observed: Ok,
) -> None:
    run, store = given.run, dependencies.store
    seen = [snapshot(video, c.VideoSnapshot) for video in observed.videos]
    names = names_after_erasures(
        store.pool,
        store.names,
        lambda: (*(video.tiktok_video_id for video in seen), *observed.missing),
        organization_id=run.organization_id,
        project_id=run.project_id,
    )
    profile, profile_provider = observed.profile, None
    if profile is None and answered.profile is not None:
        profile_provider, profile = answered.profile
    command = c.RecordResult(
        provider=answered.provider.name,
        observed_at=observed.observed_at,
        attempts=leased.attempt,
        duration_ms=answered.took_ms,
        profile=snapshot(profile, c.ProfileSnapshot) if profile else None,
        videos=only_news(
            store,
            seen,
            names=names,
            organization_id=run.organization_id,
            project_id=run.project_id,
            creator_id=run.creator_id,
        ),
        pages=observed.pages,
        payload_sha256=observed.payload_sha256,
        missing_video_ids=tuple(map(names.pseudonym, observed.missing)),
        known_user_id=None if given.is_pinned else given.target.user_id,
        profile_provider=profile_provider,
        listed_reason=observed.listed_reason,
        older=observed.older,
        tried=tried_by(answered),
    )
    user_id = command.profile and command.profile.user_id
    first = None
    if user_id is not None and given.target.user_id is None and run.creator_id:
        first = FirstProfile(
            store,
            leased.scrape_id,
            command,
            organization_id=run.organization_id,
            user_id=user_id,
        )
    _end(
        dependencies,
        leased,
        command,
        loaded=given.histories,
        outcome="ok",
        first_profile=first,
    )


def _try_later(
    dependencies: ScrapeDependencies,
    leased: JobLease,
    answered: Answered,
    verdict: Blocked | RateLimited | Transient | SchemaChanged,
) -> None:
    outcome = outcome_of(verdict)
    if retry_policy.is_last(outcome, leased.attempt):
        _give_up(
            dependencies,
            leased,
            error=verdict.detail,
            outcome=outcome,
            answered=answered,
        )
        return
    floor = verdict.retry_after if isinstance(verdict, RateLimited) else 0
    jobs.postpone(
        dependencies.store.pool,
        leased,
        outcome=outcome,
        error=storable(verdict.detail),
        seconds=retry_policy.wait(outcome, leased.attempt, floor=floor),
        provider=answered.provider.name,
        tried=tried_by(answered),
    )


def _give_up(
    dependencies: ScrapeDependencies,
    leased: JobLease,
    *,
    error: str,
    outcome: e.Outcome | None = None,
    answered: Answered | None = None,
) -> None:
    error = storable(error)
    command = c.RecordFailure(
        provider=dependencies.chain.first
        if answered is None
        else answered.provider.name,
        attempts=leased.attempt,
        error=error,
        outcome=outcome,
        tried=tried_by(answered) if answered else (),
    )
    _end(dependencies, leased, command, outcome=outcome, error=error)


def _quarantine(dependencies: ScrapeDependencies, leased: JobLease) -> None:
    died = leased.attempt - 1
    error = f"Attempt {died} died without an answer."
    command = c.RecordFailure(
        provider=dependencies.chain.first, attempts=died, error=error
    )
    _end(dependencies, leased, command, outcome=None, error=error, quarantined=True)


def _end(
    dependencies: ScrapeDependencies,
    leased: JobLease,
    command: c.RecordResult | c.RecordFailure,
    *,
    loaded: RecordedHistories | None = None,
    outcome: e.Outcome | None,
    error: str | None = None,
    quarantined: bool = False,
    first_profile: FirstProfile | None = None,
) -> None:
    def finish(cursor: Cursor[TupleRow]) -> None:
        jobs.finish(
            cursor, leased, outcome=outcome, error=error, quarantined=quarantined
        )

    with jobs.fenced():
        try:
            executed = execute(
                dependencies.store,
                first_profile.handler
                if first_profile
                else lambda: end_scrape(
                    leased.scrape_id, command, names=dependencies.store.names
                ),
                context=Context(
                    actor=f"worker:{command.provider}",
                    command_id=uuid5(leased.scrape_id, f"attempt {leased.fence}"),
                    correlation_id=leased.scrape_id,
                ),
                loaded=loaded,
                before_append=finish,
                in_transaction=first_profile and first_profile.in_transaction,
            )
        except SubjectErasedError:
            # Nothing of the run is kept; the reason of its failure may name the person.
            outcome, error, is_stored = None, None, False
        else:
            is_stored = bool(executed.events)
        if not is_stored:
            # Either this is so, or the run had ended before and only the job was not
            # marked as done. The run may have ended with an erasure: then its error may
            # name a person, too.
            with dependencies.store.pool.connection() as connection:
                jobs.finish(connection.cursor(), leased, outcome=outcome)


def tried_by(answered: Answered) -> tuple[c.Tried, ...]:
    """Return the tried providers besides the one that answered."""
    return tuple(
        replace(each, detail=each.detail and storable(each.detail))
        for each in answered.tried
    )


def snapshot(
    observed: ProfileObservation | VideoObservation, kind: type[Snapshot]
) -> Snapshot:
    """Return the observed counts in the fields of commands."""
    values = msgspec.structs.asdict(observed)
    stated = {k: _storable(v) for k, v in values.items() if v is not msgspec.UNSET}
    return msgspec.convert(stated, kind)


def _storable(value: object) -> object:
    """Return a value whose texts are all storable, those in lists and structs too."""
    match value:
        case str():
            return storable(value)
        case tuple():
            return tuple(_storable(each) for each in cast("tuple[object, ...]", value))
        case Sound():
            return replace(
                value,
                id=_storable(value.id),
                title=_storable(value.title),
                author=_storable(value.author),
            )
        case _:
            return value


def storable(text: str) -> str:
    """Return the text without characters that PostgreSQL refuses: NULs and surrogates.

    Names and titles are typed by strangers, and may have been cut off by the source.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "")

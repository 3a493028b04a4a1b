"""The steps of a consent: from a link to TikTok, and back to a connected creator."""

import time
from secrets import token_urlsafe
from uuid import UUID

import psycopg
import structlog
from msgspec import Struct

from application.connect import rows
from application.connect.acceptance import (
    ConsentGoneError,
    accept_consent,
    opened_tokens,
)
from application.connect.links import answer_attempt, begin_attempt, find_link, use_link
from application.connect.outcomes import (
    Connected,
    ConsentOutcome,
    NotConnected,
    OtherHandle,
    Waiting,
)
from application.connect.sealing import ConnectionSeal, Tokens
from application.connect.tiktok import (
    ConsentRefusedError,
    TikTokLogin,
    TokenGrant,
    UnknownTokenError,
)
from domain.connection.consent import check_scopes
from domain.connection.errors import (
    ConnectedElsewhereError,
    OtherHandleError,
    ScopeMissingError,
)
from domain.connection.links import ConnectLink
from domain.creator.handle import normalize_handle
from domain.errors import DomainError
from infra.backoff import Backoff
from infra.eventstore.append import Context
from infra.eventstore.store import BusyError, Store
from infra.http_out.refusals import RefusedError
from infra.ids import new_id
from infra.keys.digests import digest_of

ACTOR = "creator"
# Another consent of the same creator is stored within this time.
_BUSY = Backoff(0.1, spread=(0.5, 1.0), tries=5)
PROVIDER = "display"

_log = structlog.get_logger()


class WayToConsent(Struct, frozen=True, kw_only=True):
    """The address of TikTok's consent page, and the secret that the browser keeps."""

    url: str
    browser: str

    def __repr__(self) -> str:
        return "WayToConsent(***)"


class Arrival(Struct, frozen=True, kw_only=True):
    """A browser that came back from TikTok with a code, by a link that works."""

    link: ConnectLink
    code: str
    verifier: str

    def __repr__(self) -> str:
        return "Arrival(***)"


class Consents:
    """Leads browsers through the steps of a consent; threads may share it."""

    def __init__(self, store: Store, login: TikTokLogin, seal: ConnectionSeal) -> None:
        self._store = store
        self._login = login
        self._seal = seal

    def depart(self, link: ConnectLink) -> WayToConsent | None:
        """Return the address of TikTok's consent page for a browser with the link.

        The result is None if the link was followed too often within the hour.
        """
        state, browser = token_urlsafe(32), token_urlsafe(32)
        with self._store.pool.connection() as connection:
            may_go = begin_attempt(
                connection,
                state=digest_of(state),
                browser=digest_of(browser),
                link_id=link.id,
            )
        if not may_go:
            return None
        verifier = self._seal.code_verifier(state)
        return WayToConsent(
            url=self._login.consent_url(state=state, verifier=verifier), browser=browser
        )

    def arrive(
        self, *, state: str, browser: str, code: str | None, error: str | None
    ) -> "NotConnected | Arrival":
        """Read the answer that a browser brings back from TikTok; it counts once."""
        with self._store.pool.connection() as connection:
            attempt = answer_attempt(
                connection,
                state=digest_of(state),
                browser=digest_of(browser),
            )
            if attempt is None:
                return NotConnected(why="unknown")
            link = find_link(connection.cursor(), attempt.link_id)
        if attempt.is_replayed:
            return NotConnected(why="replayed", link=link)
        if link is None or attempt.is_late:
            return NotConnected(why="late", link=link)
        if code is None:
            return NotConnected(
                why="denied" if error == "access_denied" else "failed", link=link
            )
        return Arrival(link=link, code=code, verifier=self._seal.code_verifier(state))

    def confirm(self, connection_id: UUID, *, is_creator: bool) -> ConsentOutcome:
        """Apply the answer of a person whose handle is not the creator's."""
        with self._store.pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            consent = rows.find_consent(cursor, connection_id, lock=True)
            if consent is None or consent.state != "unconfirmed":
                return NotConnected(why="replayed")
            link_id = consent.link_id
            link = None if link_id is None else find_link(cursor, link_id)
            if not is_creator:
                rows.give_back(cursor, connection_id)
                return NotConnected(why="somebody_else", link=link)
            if link_id is None or not use_link(cursor, link_id):
                rows.give_back(cursor, connection_id)
                return NotConnected(why="spent", link=link)
            rows.wait_for_member(cursor, connection_id)
        return Waiting(
            organization_id=consent.organization_id,
            handle=opened_tokens(self._seal, consent).username,
        )

    def take(self, arrival: "Arrival") -> ConsentOutcome:
        """Take the consent that a browser brought; TikTok may take long to answer."""
        link = arrival.link
        try:
            grant = self._login.exchange(arrival.code, verifier=arrival.verifier)
        except ConsentRefusedError as error:
            _log.info("consent_refused", reason=str(error))
            return NotConnected(why="failed", link=link)
        except RefusedError as error:
            _log.warning("consent_not_taken", reason=error.verdict.detail)
            return NotConnected(why="failed", link=link)
        try:
            check_scopes(grant.scopes)
            username = normalize_handle(self._login.username(grant))
        except ScopeMissingError as error:
            self._store_consent(link, grant, username="", connects=False)
            return NotConnected(why="too_little", link=link, scopes=error.scopes)
        except (RefusedError, DomainError) as error:
            # The sentence about a name that is no handle contains the name.
            reason = str(error) if isinstance(error, RefusedError) else error.code
            _log.warning("consent_without_account", reason=reason)
            self._store_consent(link, grant, username="", connects=False)
            return NotConnected(why="failed", link=link)
        # The consent is stored first, so that its tokens can be given back after any
        # failure.
        consent = self._store_consent(link, grant, username=username)
        return self._connect(link, consent, username)

    def _connect(
        self, link: ConnectLink, consent: rows.StoredConsent, username: str
    ) -> ConsentOutcome:
        try:
            self._accept(consent)
        except OtherHandleError as error:
            return OtherHandle(
                connection_id=consent.id,
                creator_id=link.creator_id,
                organization_id=link.organization_id,
                handle=error.handle,
                known=error.known,
            )
        except (DomainError, ConsentGoneError, BusyError) as error:
            with self._store.pool.connection() as connection:
                rows.give_back(connection.cursor(), consent.id)
            return NotConnected(why=_why(error), link=link)
        return Connected(
            creator_id=link.creator_id,
            organization_id=link.organization_id,
            handle=username,
            scopes=tuple(consent.scopes),
        )

    def _accept(self, consent: rows.StoredConsent) -> None:
        """Connect the creator, whose next consent may be stored at this moment."""
        context = Context(actor=ACTOR, command_id=new_id())
        failures = 0
        while True:
            try:
                accept_consent(
                    self._store, self._seal, consent, may_rename=False, context=context
                )
            except BusyError:
                failures += 1
                if _BUSY.is_last(failures):
                    raise
                time.sleep(_BUSY.seconds(failures))
            else:
                return

    def _store_consent(
        self,
        link: ConnectLink,
        grant: TokenGrant,
        *,
        username: str,
        connects: bool = True,
    ) -> rows.StoredConsent:
        consent_id = new_id()
        tokens = Tokens(
            access=grant.access,
            refresh=grant.refresh,
            open_id=grant.open_id,
            username=username,
        )
        consent = rows.Consent(
            id=consent_id,
            organization_id=link.organization_id,
            creator_id=link.creator_id,
            provider=PROVIDER,
            account=self._seal.account(PROVIDER, grant.open_id),
            sealed=self._seal.seal(consent_id, tokens),
            link_id=link.id,
        )
        try:
            with self._store.pool.connection() as connection, connection.transaction():
                cursor = connection.cursor()
                rows.add_consent(cursor, consent, grant)
                if not connects:
                    rows.give_back(cursor, consent_id)
                stored = rows.find_consent(cursor, consent_id)
        except psycopg.Error:
            # These tokens are not stored anywhere.
            self._give_back_unstored(grant)
            raise
        assert stored is not None, "it was stored just now"
        return stored

    def _give_back_unstored(self, grant: TokenGrant) -> None:
        try:
            self._login.revoke(grant.access)
        except (UnknownTokenError, RefusedError) as error:
            _log.warning("consent_lost", reason=type(error).__name__)


def _why(error: DomainError | ConsentGoneError | BusyError) -> str:
    match error:
        case BusyError():
            return "busy"
        case ConsentGoneError():
            return "spent"
        case ConnectedElsewhereError():
            return "elsewhere"
        case _:
            return "not_tracked"

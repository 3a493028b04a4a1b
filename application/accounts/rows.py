"""The tables of accounts that are not in the log: addresses, secrets and links."""

from collections.abc import Collection
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.errors import UniqueViolation

from domain import commands as c
from domain.organization.members import LinkMaker
from domain.person.errors import EmailTakenError, PasswordLinkOverError
from infra.keys.digests import digest_of
from infra.keys.person_secrets import remove_secret

SECOND_FACTOR_REMOVED = (
    c.ChangeSignInMethod(method="codes", change="removed"),
    c.ChangeSignInMethod(method="recovery", change="removed"),
)
LINK_LIFETIME = timedelta(hours=1)

_CLAIM: LiteralString = """
INSERT INTO person_emails (digest, person_id) VALUES (%s, %s)
"""
_MOVE: LiteralString = """
UPDATE person_emails SET digest = %s WHERE person_id = %s AND digest <> %s
"""
_FORMER: LiteralString = """
INSERT INTO former_emails (person_id, digest)
SELECT person_id, digest FROM person_emails WHERE person_id = %s AND digest <> %s
ON CONFLICT DO NOTHING
"""
_NOTE_FORMER: LiteralString = """
INSERT INTO former_emails (person_id, digest)
SELECT %s, digest FROM unnest(%s::bytea[]) AS u (digest)
WHERE NOT EXISTS (SELECT FROM person_emails e WHERE e.digest = u.digest)
ON CONFLICT DO NOTHING
"""
# A former address that somebody else has by now is theirs.
OWN_DIGESTS: LiteralString = """
SELECT digest FROM person_emails WHERE person_id = %(person)s
UNION
SELECT f.digest FROM former_emails f WHERE f.person_id = %(person)s
AND NOT EXISTS (SELECT FROM person_emails e WHERE e.digest = f.digest)
"""
_FIND: LiteralString = "SELECT person_id FROM person_emails WHERE digest = %s"
_EMAIL: LiteralString = "SELECT email FROM people WHERE person_id = %s"
_END_LINKS: LiteralString = "DELETE FROM password_links WHERE person_id = %s"
_FORGET: tuple[LiteralString, ...] = (
    "DELETE FROM person_emails WHERE person_id = %s",
    "DELETE FROM former_emails WHERE person_id = %s",
    "DELETE FROM person_secrets WHERE person_id = %s",
    "DELETE FROM person_sessions WHERE person_id = %s",
    _END_LINKS,
    "DELETE FROM pending_sign_ins WHERE person_id = %s",
    "DELETE FROM passkeys WHERE person_id = %s",
    "DELETE FROM mails WHERE subject = %s",
    "DELETE FROM email_links WHERE person_id = %s",
    "DELETE FROM person_devices WHERE person_id = %s",
    "DELETE FROM person_identities WHERE person_id = %s",
    "DELETE FROM notifications WHERE person_id = %s",
)
ACCOUNT: LiteralString = """
SELECT e.person_id, s.sealed FROM person_emails e
LEFT JOIN person_secrets s ON s.person_id = e.person_id AND s.kind = 'password'
WHERE e.digest = %s
"""
STORED_HASH: LiteralString = """
SELECT sealed FROM person_secrets WHERE person_id = %s AND kind = 'password'
"""
_SAME_HASH: LiteralString = f"{STORED_HASH} FOR SHARE"
_HAS_CODES: LiteralString = """
SELECT FROM person_secrets WHERE person_id = %s AND kind = 'codes'
"""
_NEEDS_PASSKEY: LiteralString = """
SELECT EXISTS (SELECT FROM passkeys WHERE person_id = %(person)s)
AND EXISTS (SELECT FROM members m JOIN organizations o USING (organization_id)
            WHERE m.person_id = %(person)s AND m.removed_at IS NULL
            AND o.requires_second_factor)
"""
# A person has one link of each kind: a newer one ends the older. Anybody may ask for a
# mailed one, so it leaves that of an operator valid.
_LINK: LiteralString = """
INSERT INTO password_links (digest, person_id, expires_at, by_mail,
                            organization_id, maker_id, key_id)
VALUES (%(digest)s, %(person)s, now() + %(lifetime)s, %(by_mail)s,
        %(organization)s, %(maker)s, %(key)s)
ON CONFLICT (person_id, by_mail) DO UPDATE SET digest = excluded.digest,
    expires_at = excluded.expires_at, organization_id = excluded.organization_id,
    maker_id = excluded.maker_id, key_id = excluded.key_id
RETURNING expires_at
"""
# A key that was revoked or has expired opens no account any more.
LINKED: LiteralString = """
SELECT l.digest, l.person_id, p.name, p.email,
       EXISTS (SELECT FROM person_secrets s
               WHERE s.person_id = l.person_id AND s.kind = 'password'),
       EXISTS (SELECT FROM person_secrets s
               WHERE s.person_id = l.person_id AND s.kind = 'codes'),
       l.by_mail, l.organization_id, l.maker_id, l.key_id
FROM password_links l JOIN people p USING (person_id)
WHERE l.digest = %s AND l.expires_at > now() AND p.erased_at IS NULL
AND (l.key_id IS NULL OR EXISTS (
    SELECT FROM api_keys k WHERE k.id = l.key_id AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now())))
"""
# Links of operators and mailed ones stay.
_END_OF_ADMINS: LiteralString = """
DELETE FROM password_links WHERE organization_id IS NOT NULL AND (
    person_id = %(person)s
    OR maker_id = %(person)s AND organization_id = %(organization)s)
"""
_MEMBER_OF: LiteralString = """
SELECT organization_id FROM members WHERE person_id = %s AND removed_at IS NULL
"""
_WITH_KEYS: LiteralString = """
SELECT DISTINCT organization_id FROM api_keys
WHERE person_id = %s AND revoked_at IS NULL
"""
_OTHER_WAYS_IN: tuple[LiteralString, ...] = (
    "DELETE FROM passkeys WHERE person_id = %s",
    "DELETE FROM person_identities WHERE person_id = %s",
)
# The other link of the person ends as well.
_SPEND: LiteralString = """
WITH spent AS (
    DELETE FROM password_links WHERE person_id = (
        SELECT person_id FROM password_links
        WHERE digest = %(digest)s AND expires_at > now())
    RETURNING digest, person_id
)
SELECT person_id FROM spent WHERE digest = %(digest)s
"""


SECOND_STEP_SECONDS = 600
MOST_CODES = 5

# The expired ones of the person go as well.
_TIDY_SECOND_STEPS: LiteralString = """
DELETE FROM pending_sign_ins WHERE person_id = %s AND expires_at <= now()
"""
_SECOND_STEP: LiteralString = """
INSERT INTO pending_sign_ins (digest, person_id, expires_at)
VALUES (%s, %s, now() + make_interval(secs => %s))
"""


class LinkedPerson(Struct, frozen=True, kw_only=True):
    """The person of a link, and whether they have a password and codes already.

    ``by_mail`` tells that the link is in a mail to the address, and nowhere else.
    ``organization_id`` is set if an admin or a key of the organization made the link.
    """

    digest: bytes
    id: UUID
    name: str
    email: str
    has_password: bool
    has_codes: bool
    by_mail: bool
    organization_id: UUID | None
    maker_id: UUID | None
    key_id: UUID | None

    @property
    def maker(self) -> LinkMaker | None:
        """The one who answers for the link; None if it came by mail or an operator."""
        if self.organization_id is None:
            return None
        return LinkMaker(
            organization_id=self.organization_id,
            person_id=self.maker_id,
            key_id=self.key_id,
        )


def claim_email(cursor: Cursor[Any], digest: bytes, person_id: UUID) -> None:
    """Enter an address into the directory.

    Raises:
        EmailTakenError: another person has it, or got it at the same time.
    """
    try:
        cursor.execute(_CLAIM, (digest, person_id))
    except UniqueViolation:
        raise EmailTakenError from None


def move_email(cursor: Cursor[Any], digest: bytes, person_id: UUID) -> None:
    """Enter another address of a person in place of the present one.

    The keyed hash of the former one is kept until the person is erased.

    Raises:
        EmailTakenError: another person has it, or got it at the same time.
    """
    cursor.execute(_FORMER, (person_id, digest))
    try:
        cursor.execute(_MOVE, (digest, person_id, digest))
    except UniqueViolation:
        raise EmailTakenError from None


def note_former_emails(
    cursor: Cursor[Any], person_id: UUID, digests: Collection[bytes]
) -> None:
    """Keep those keyed hashes that are not of anybody's present address."""
    cursor.execute(_NOTE_FORMER, (person_id, list(digests)))


def person_with_email(cursor: Cursor[Any], digest: bytes) -> UUID | None:
    row = cursor.execute(_FIND, (digest,)).fetchone()
    return None if row is None else row[0]


def email_of(cursor: Cursor[Any], person_id: UUID) -> str | None:
    row = cursor.execute(_EMAIL, (person_id,)).fetchone()
    return None if row is None else row[0]


def stored_hash(cursor: Cursor[Any], person_id: UUID) -> bytes | None:
    """Return the sealed hash of a person's password; None without a password.

    It stays the same until the transaction is over.
    """
    row = cursor.execute(_SAME_HASH, (person_id,)).fetchone()
    return None if row is None else row[0]


def needs_passkey(cursor: Cursor[Any], person_id: UUID) -> bool:
    """Tell whether a person has a passkey where a password alone is too little."""
    row = cursor.execute(_NEEDS_PASSKEY, {"person": person_id}).fetchone()
    return row is not None and row[0]


def forget_person(cursor: Cursor[Any], person_id: UUID) -> None:
    """Delete everything that is kept of a person outside of the log."""
    for statement in _FORGET:
        cursor.execute(statement, (person_id,))


def make_password_link(
    cursor: Cursor[Any],
    person_id: UUID,
    *,
    lifetime: timedelta = LINK_LIFETIME,
    by_mail: bool = False,
    token: str | None = None,
    maker: LinkMaker | None = None,
) -> tuple[str, datetime]:
    """Return the secret of a new link and its end.

    An earlier link of an operator or admin ends now, or the mailed one if this is
    mailed. ``token`` is the secret, if it was drawn already. ``maker`` is None for an
    operator and a mail.
    """
    token = token or token_urlsafe(24)
    row = cursor.execute(
        _LINK,
        {
            "digest": digest_of(token),
            "person": person_id,
            "lifetime": lifetime,
            "by_mail": by_mail,
            "organization": None if maker is None else maker.organization_id,
            "maker": None if maker is None else maker.person_id,
            "key": None if maker is None else maker.key_id,
        },
    ).fetchone()
    assert row is not None
    return token, row[0]


def end_password_links(cursor: Cursor[Any], person_id: UUID) -> None:
    """Delete the links of a person that nobody has used."""
    cursor.execute(_END_LINKS, (person_id,))


def end_links_of_admins(
    cursor: Cursor[Any], organization_id: UUID, person_id: UUID
) -> None:
    """Delete the links that admins and keys made for a person whose rights changed.

    Links that the person made in the organization go as well.
    """
    of = {"person": person_id, "organization": organization_id}
    cursor.execute(_END_OF_ADMINS, of)


def organizations_of(cursor: Cursor[Any], person_id: UUID) -> list[UUID]:
    return [one for (one,) in cursor.execute(_MEMBER_OF, (person_id,))]


def organizations_with_keys(cursor: Cursor[Any], person_id: UUID) -> set[UUID]:
    """Return the organizations in which a person has keys that are not revoked."""
    return {one for (one,) in cursor.execute(_WITH_KEYS, (person_id,))}


def remove_other_ways_in(cursor: Cursor[Any], person_id: UUID) -> None:
    """Delete everything that a person signs in with, but the password."""
    for statement in _OTHER_WAYS_IN:
        cursor.execute(statement, (person_id,))
    remove_second_factor(cursor, person_id)


def make_second_step(cursor: Cursor[Any], person_id: UUID) -> str:
    """Return the secret of a new second step, which a code ends within 10 minutes."""
    token = token_urlsafe(32)
    cursor.execute(_TIDY_SECOND_STEPS, (person_id,))
    values = (digest_of(token), person_id, SECOND_STEP_SECONDS)
    cursor.execute(_SECOND_STEP, values)
    return token


def has_codes(cursor: Cursor[Any], person_id: UUID) -> bool:
    """Tell whether a person signs in with one-time codes as well."""
    return cursor.execute(_HAS_CODES, (person_id,)).fetchone() is not None


def remove_second_factor(cursor: Cursor[Any], person_id: UUID) -> None:
    """Delete the seed and the recovery codes of a person."""
    remove_secret(cursor, person_id, "codes")
    remove_secret(cursor, person_id, "recovery")


def spend_password_link(cursor: Cursor[Any], link: LinkedPerson) -> None:
    """Use the links of a person up.

    Raises:
        PasswordLinkOverError: this link is not valid any more.
    """
    row = cursor.execute(_SPEND, {"digest": link.digest}).fetchone()
    if row is None or row[0] != link.id:
        raise PasswordLinkOverError

"""Mails of invitations: a link for the invited person alone, and what they are given.

The link in the mail is another one than the link that the inviting person sees, so that
whoever comes by it reads the mails of the address.
"""

from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Cursor

from application.accounts.invitations import (
    INVITED,
    Invited,
    draw_token,
    of_link,
    path_of,
)
from application.mail.letter import letter
from application.mail.names import name_in_mail
from application.mail.outbox import can_send_mail, send_mail
from application.mail.server import Mail
from domain.messages import MemberRole
from infra.eventstore.store import Store
from infra.keys.digests import digest_of
from infra.structs import structs

MAY: Final[dict[MemberRole, str]] = {
    "owner": "As an owner you may do everything.",
    "admin": "As an admin you manage members, keys and settings, and do all the work.",
    "member": "As a member you add and change creators, videos, campaigns and notes.",
    "viewer": "As a viewer you look at figures and export them.",
}

# An organization sends an address no more mails in a day, and no more in all.
_MOST_TO_ADDRESS, _MOST = 3, 100
_MOST_PROJECTS = 10

# Older rows matter to nobody.
_TIDY: LiteralString = """
DELETE FROM invitation_mails WHERE sent_at < now() - interval '1 day'
"""
_COUNT: LiteralString = """
INSERT INTO invitation_mails (organization_id, email_digest)
SELECT l.organization_id, l.email_digest FROM invitation_links l
WHERE l.invitation_id = %(id)s
AND (SELECT count(*) FROM invitation_mails m
     WHERE m.organization_id = l.organization_id) < %(most)s
AND (SELECT count(*) FROM invitation_mails m
     WHERE m.organization_id = l.organization_id
     AND m.email_digest = l.email_digest) < %(most_to_address)s
RETURNING 1
"""
_LINK: LiteralString = """
UPDATE invitation_links SET mail_digest = %s WHERE invitation_id = %s
"""
_SUBJECT = "Invitation to {organization} on Goatherd"
_TEXT = """\
{invites} {organization} on Goatherd, which tracks TikTok creators.

{may}
{projects}{money}

Accept or decline here, once, until {until:%Y-%m-%d %H:%M} UTC:
{link}

The invitation is for {email} alone. If you expected none, do nothing.
"""


def mail_invitation(cursor: Cursor[Any], store: Store, invitation_id: UUID) -> bool:
    """Let an open invitation be mailed after this transaction; tell whether it will be.

    Without a mail server nobody is written to, and neither with too many mails of the
    organization in the last day.
    """
    if not can_send_mail(store):
        return False
    cursor.execute(_TIDY)
    limits = {"most": _MOST, "most_to_address": _MOST_TO_ADDRESS}
    if cursor.execute(_COUNT, {"id": invitation_id, **limits}).fetchone() is None:
        return False
    token = draw_token()
    cursor.execute(_LINK, (digest_of(token), invitation_id))
    found = structs(Invited, cursor.execute(INVITED, of_link(token)).fetchall())
    if not found:
        return False
    link = f"{store.settings.own_url}{path_of(token)}"
    return send_mail(cursor, store, _mail(found[0], link), subject=invitation_id)


def _mail(invited: Invited, link: str) -> Mail:
    organization = name_in_mail(invited.organization) or "an organization"
    inviter = name_in_mail(invited.inviter or "")
    return letter(
        invited.email,
        _SUBJECT.format(organization=organization),
        _TEXT.format(
            invites=f"{inviter} invites you to" if inviter else "You are invited to",
            organization=organization,
            may=MAY[invited.role],
            projects=_projects(invited.projects),
            money=" You may see and change payments." if invited.money else "",
            until=invited.expires_at,
            link=link,
            email=invited.email,
        ),
        action="See the invitation",
    )


def _projects(names: Sequence[str] | None) -> str:
    if names is None:
        return "You see all projects."
    shown = [name_in_mail(name) or "a project" for name in names[:_MOST_PROJECTS]]
    if not shown:
        return "You see no project for now."
    rest = len(names) - len(shown)
    more = f", and {rest} more" if rest else ""
    return f"Projects: {', '.join(shown)}{more}."

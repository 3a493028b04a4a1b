"""/members: the people of the organization, and the rights of each."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct, field

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.routes.members.members import MemberLeaves, PasswordLink, RemovedMember
from api.web.kit.api_client import ApiRefusedError, ApiResponse
from api.web.kit.forms.fields import VersionedForm
from api.web.kit.forms.project_choices import all_projects
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.settings.layout import ADMIN, PROVED, show_settings
from api.web.sign_in.page import SignIn
from application.leaving import LeftThing
from domain.messages import MemberRole
from domain.organization.left_things import ThingKind
from projections.members import Invitation
from projections.people import Member

T = TypeVar("T")

PATH: Final = "/members"
ROLES: Final[Mapping[MemberRole, tuple[str, str]]] = {
    "viewer": ("Viewer", "Looks at figures, and exports them."),
    "member": ("Member", "Adds and changes creators, videos, campaigns and notes."),
    "admin": ("Admin", "Also members, keys, settings and sources, in all projects."),
    "owner": ("Owner", "Everything, also other owners, in all projects."),
}
# The roles that see all projects.
SEES_ALL: Final[frozenset[str]] = frozenset({"owner", "admin"})

# The title of each kind of thing that somebody leaves, and the page of one.
_KINDS: Final[Mapping[ThingKind, tuple[str, str]]] = {
    "link": ("Shared links", "/settings/shares/"),
    "view": ("Saved views", ""),
    "rule": ("Alert rules", "/alerts/rules/"),
    "report": ("Reports that mail to them", "/reports/"),
    "channel": ("Channels that mail to them", "/settings/channels/"),
    "key": ("Personal keys", ""),
}
_MAILING: Final[frozenset[ThingKind]] = frozenset({"report", "channel"})
_PER_PAGE = 50
_CREATED = 201
_SHOWN_ERRORS = {
    Code.INVALID_BODY,
    Code.LAST_OWNER,
    Code.NO_PASSWORD_LINK,
    Code.OWNERS_ONLY,
    Code.VERSION_CONFLICT,
}


class RightsForm(VersionedForm, frozen=True, kw_only=True):
    """The rights of a person; ``projects`` is ``all`` or ``some``, namely these.

    ``money`` is ``yes`` or empty.
    """

    role: Annotated[str, typed("Role")] = ""
    projects: str = "all"
    project_ids: list[str] = field(default_factory=list[str])
    money: str = ""


class InvitationForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to invite, and the rights that they get."""

    email: Annotated[str, typed("Email")] = ""
    role: Annotated[str, typed("Role")] = "member"
    projects: str = "all"
    project_ids: list[str] = field(default_factory=list[str])
    money: str = ""


class RemovalForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``confirmed`` is ``yes`` once the things that the person leaves were shown.

    Each of ``choices`` is a choice and the id of a thing, or nothing where the thing
    goes on as it is. ``to`` is the member who gets things, who is else the user.
    """

    confirmed: str = ""
    choices: list[str] = field(default_factory=list[str])
    to: Annotated[str, typed("Hand over to")] = ""

    def body(self) -> dict[str, Any]:
        """Return the choices as the API has them."""
        body: dict[str, Any] = {}
        for choice, _, thing_id in (one.partition(":") for one in self.choices if one):
            body.setdefault(choice, []).append(thing_id)
        if self.to and "hand_over" in body:
            body["to"] = self.to
        return body


class MemberLine(Struct, frozen=True, kw_only=True):
    """A member or an invitation, and the names of the projects; none stands for all."""

    of: Member | Invitation
    projects: Sequence[str] | None
    is_own: bool = False


class MemberPages(Controller):
    """The people of the organization."""

    path = PATH

    @page_route(**ADMIN)
    async def members(
        self, page: NamedDependency[PageContext], cursor: FromQuery[str] = ""
    ) -> Template:
        """List people and open invitations, with the form for another invitation."""
        return await show_members(page, cursor=cursor)

    @page_route("/{person_id:uuid}", **ADMIN)
    async def member(
        self, page: NamedDependency[PageContext], person_id: FromPath[UUID]
    ) -> Template:
        """Show the form of a person's rights."""
        return await _show_member(page, person_id)

    @form_route("/{person_id:uuid}", form=RightsForm, **PROVED)
    async def change(
        self,
        page: NamedDependency[PageContext],
        person_id: FromPath[UUID],
        sign_in: NamedDependency[SignIn],
    ) -> PageResponse:
        """Change a person's rights, and sign them out everywhere."""
        form = page.form(RightsForm)
        try:
            body = {
                "role": form.role,
                "project_ids": chosen_projects(form),
                "money": form.money == "yes",
            }
            got = await page.send(
                "PATCH", f"{PATH}/{person_id}", Member, body, version=form.made_from
            )
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_member(page, person_id, form=form, error=error)
        sign_in.forget_sessions()
        page.flash(f"The rights of {got.data.name} were saved.")
        return page.go_to(PATH)

    @form_route("/{person_id:uuid}/password-link", **PROVED)
    async def make_password_link(
        self, page: NamedDependency[PageContext], person_id: FromPath[UUID]
    ) -> PageResponse:
        """Make a link with which a person chooses a password, and show it once."""
        path = f"{PATH}/{person_id}"
        member = (await page.get(path, Member)).data
        try:
            got = await page.send("POST", f"{path}/password-link", PasswordLink)
        except ApiRefusedError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_member(page, person_id, error=error)
        return await show_settings(
            page,
            "settings/password_link.html",
            {"member": member, "made": got.data},
            tab=PATH,
            status=_CREATED,
            is_secret=True,
        )

    @form_route("/{person_id:uuid}/remove", form=RemovalForm, **PROVED)
    async def remove(
        self,
        page: NamedDependency[PageContext],
        person_id: FromPath[UUID],
        sign_in: NamedDependency[SignIn],
    ) -> PageResponse:
        """Remove a person; show first what they leave, with the choices for it."""
        path, form = f"{PATH}/{person_id}", page.form(RemovalForm)
        member = (await page.get(path, Member)).data
        if form.confirmed != "yes":
            got = await page.get(f"{path}/leaves", MemberLeaves)
            if got.data.things:
                return await _show_removal(page, member, got.data.things)
        try:
            done = await page.send("DELETE", path, RemovedMember, form.body())
        except ApiRefusedError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            if error.code == Code.INVALID_BODY:
                left = (await page.get(f"{path}/leaves", MemberLeaves)).data.things
                return await _show_removal(page, member, left, form=form, error=error)
            return await show_members(page, error=error)
        sign_in.forget_sessions()
        if page.person is not None and page.person.id == person_id:
            return await sign_in.end_session(page.request)
        text = f"{member.name} was removed, and is signed out."
        mailing = [one for one in done.data.things if one.kind in _MAILING]
        if mailing:
            names = ", ".join(f"{one.kind} {one.name}" for one in mailing)
            text += f" These still mail to {member.email}: {names}."
        page.flash(text)
        return page.go_to(PATH)


async def show_members(
    page: PageContext,
    *,
    cursor: str = "",
    form: InvitationForm | None = None,
    error: ApiError | None = None,
) -> Template:
    """Return the page of all people; ``form`` is an invitation that was refused."""
    got, invitations, projects = await asyncio.gather(
        page.get(PATH, list[Member], limit=_PER_PAGE, cursor=cursor or None),
        _all(page, "/invitations", Invitation),
        all_projects(page),
    )
    person = page.person
    names = {project.id: project.name for project in projects}
    context = {
        "form": form or InvitationForm(),
        "invitations": [
            MemberLine(of=one, projects=_named(one.project_ids, names))
            for one in invitations
        ],
        "is_first": not cursor,
        "members": [
            MemberLine(
                of=one,
                projects=_named(one.project_ids, names),
                is_own=person is not None and person.id == one.id,
            )
            for one in got.data
        ],
        "more_url": got.next_url(PATH),
        "now": datetime.now(UTC),
        "projects": projects,
        "roles": ROLES,
        "offered": _offered_roles(page),
    }
    return await show_settings(
        page, "settings/members.html", context, tab=PATH, error=error
    )


def chosen_projects(form: RightsForm | InvitationForm) -> list[str] | None:
    """Return the ids of the chosen projects, None for all.

    Raises:
        ApiError: ``invalid_body``, if only some were to be chosen, and none was.
    """
    if form.role in SEES_ALL or form.projects != "some":
        return None
    if not form.project_ids:
        message = "choose at least one project"
        raise field_error(Code.INVALID_BODY, "/project_ids", message)
    return form.project_ids


async def _show_removal(
    page: PageContext,
    member: Member,
    things: Sequence[LeftThing],
    *,
    form: RemovalForm | None = None,
    error: ApiError | None = None,
) -> Template:
    person = page.person
    is_own = person is not None and person.id == member.id
    # A user who stays gets things; others say who does.
    heirs: list[tuple[UUID, str]] = []
    if person is None or is_own:
        people = await _all(page, PATH, Member)
        heirs = [
            (one.id, f"{one.name} ({one.email})")
            for one in people
            if one.id != member.id and one.role != "viewer" and one.project_ids is None
        ]
    context = {
        "form": form or RemovalForm(),
        "heirs": heirs,
        "is_own": is_own,
        "kinds": {
            kind: (title, of, [one for one in things if one.kind == kind])
            for kind, (title, of) in _KINDS.items()
        },
        "may_hand_over": bool(heirs) or not (person is None or is_own),
        "member": member,
    }
    return await show_settings(
        page, "settings/remove_member.html", context, tab=PATH, error=error
    )


async def _show_member(
    page: PageContext,
    person_id: UUID,
    *,
    form: RightsForm | None = None,
    error: ApiError | None = None,
) -> Template:
    got, projects = await asyncio.gather(
        page.get(f"{PATH}/{person_id}", Member), all_projects(page)
    )
    member, person = got.data, page.person
    ids = member.project_ids
    present = {
        "role": member.role,
        "projects": "all" if ids is None else "some",
        "project_ids": [] if ids is None else [str(id_) for id_ in ids],
        "money": "yes" if member.money else "",
    }
    context = {
        "form": form or present,
        "is_own": person is not None and person.id == person_id,
        "member": member,
        "offered": _offered_roles(page),
        "projects": projects,
        "roles": ROLES,
        "version": _version_of(got),
    }
    return await show_settings(
        page, "settings/member.html", context, tab=PATH, error=error
    )


def _offered_roles(page: PageContext) -> Sequence[MemberRole]:
    """Return the roles that this user can give; only an owner makes an owner."""
    is_owner = page.person is not None and page.person.role == "owner"
    return [role for role in ROLES if role != "owner" or is_owner]


def _version_of(got: ApiResponse[Any]) -> str:
    return got.headers.get("etag", "").strip('"')


def _named(
    ids: Sequence[UUID] | None, names: Mapping[UUID, str]
) -> Sequence[str] | None:
    if ids is None:
        return None
    return sorted((names[id_] for id_ in ids if id_ in names), key=str.casefold)


async def _all(page: PageContext, path: str, type_: type[T]) -> list[T]:
    found: list[T] = []
    cursor: str | None = None
    while True:
        got = await page.get(path, list[type_], limit=100, cursor=cursor)
        found += got.data
        cursor = got.meta["nextCursor"]
        if cursor is None:
            return found

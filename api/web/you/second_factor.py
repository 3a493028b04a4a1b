"""/you/second-factor: codes of an authenticator app, and recovery codes."""

import segno
from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from markupsafe import Markup
from msgspec import Struct

from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.sign_in.page import SignIn, TooManyTriesError, client_of
from application.accounts.one_time_codes import app_address, new_seed

PATH = "/you/second-factor"

_PURPOSE = "seed"
_WRONG = (
    "is not right: enter the six digits that the app shows now, and check the clock of "
    "your phone"
)
_SET_UP = (
    "The second factor is set up already. If you have not kept the recovery codes, "
    "make new ones."
)
_INVALID = 400


class FirstCodeForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The seed that the page showed, as signed text, and a code that the app made."""

    seed: str = ""
    code: str = ""


class SecondFactorPages(Controller):
    """The second factor of the person who is signed in."""

    path = PATH

    @page_route(sets_up_factor=True)
    async def show(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Show the second factor, or a new seed to set one up with."""
        if page.person is None:
            return page.go_to("/you")
        state = await sign_in.second_factor.state(page.person.id)
        if not state.has_codes:
            return _show_seed(page, new_seed())
        return page.show("you/second_factor.html", {"state": state})

    @form_route(
        form=FirstCodeForm, scope="read", recent_proof=True, sets_up_factor=True
    )
    async def set_up(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Ask for codes at each sign-in from now on, and show the recovery codes."""
        form, person = page.form(FirstCodeForm), page.principal.require_person()
        if (await sign_in.second_factor.state(person.id)).has_codes:
            # A form that is sent again would end the recovery codes that it showed.
            page.flash(_SET_UP)
            return page.go_to(PATH)
        seed = _opened(page, form.seed)
        if seed is None:
            return page.go_to(PATH)
        try:
            async with sign_in.counting_codes(
                page.request, person.email, form.code
            ) as wrong:
                codes = await sign_in.second_factor.add(
                    person.id,
                    seed,
                    form.code,
                    kept=person.session_id,
                    client=client_of(page.request),
                )
                if codes is None:
                    wrong()
        except TooManyTriesError as error:
            return _show_seed(page, seed, problem=str(error).rstrip("."))
        if codes is None:
            return _show_seed(page, seed, problem=_WRONG)
        sign_in.forget_sessions()
        return _show_codes(page, codes, are_first=True)

    @form_route("/recovery-codes", scope="read", recent_proof=True)
    async def renew(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Make ten new recovery codes; the earlier ones stop working."""
        person = page.principal.require_person()
        if not (await sign_in.second_factor.state(person.id)).has_codes:
            return page.go_to(PATH)
        codes = await sign_in.second_factor.renew_recovery_codes(
            person.id, client=client_of(page.request)
        )
        return _show_codes(page, codes, are_first=False)

    @form_route("/remove", scope="read", recent_proof=True)
    async def remove(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Ask for no codes any more."""
        person = page.principal.require_person()
        await sign_in.second_factor.remove(person.id, client=client_of(page.request))
        sign_in.forget_sessions()
        page.flash("You are not asked for codes any more.")
        return page.go_to("/you")


def _show_seed(page: PageContext, seed: str, *, problem: str = "") -> Template:
    person = page.principal.require_person()
    groups = [seed[start : start + 4] for start in range(0, len(seed), 4)]
    # A code is read in the dark, too, if its ground is white.
    drawn = segno.make(app_address(seed, person.email), error="m").svg_inline(
        scale=5, light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )
    return page.show(
        "you/second_factor_new.html",
        {
            "problem": problem,
            "qr": Markup(drawn),  # noqa: S704 - drawn here, from the address as data
            "seed": _sealed(page, seed),
            "seed_text": " ".join(groups),
        },
        is_secret=True,
        status=_INVALID if problem else 200,
    )


def _show_codes(page: PageContext, codes: list[str], *, are_first: bool) -> Template:
    return page.show(
        "you/recovery_codes.html",
        {"are_first": are_first, "codes": codes},
        is_secret=True,
    )


def _sealed(page: PageContext, seed: str) -> str:
    """Return the seed as text that only a page of this session can have had."""
    session_id = page.principal.require_person().session_id
    payload = f"{session_id} {seed}".encode()
    return page.site.sessions.signed(_PURPOSE, payload)


def _opened(page: PageContext, text: str) -> str | None:
    payload = page.site.sessions.verified(_PURPOSE, text)
    session_id, _, seed = (payload or b"").decode().partition(" ")
    if session_id != str(page.principal.require_person().session_id):
        return None
    return seed

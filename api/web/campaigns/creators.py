"""The creators of a new campaign: picked, typed, and new ones that are added first."""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID

from msgspec import Struct

from api.http.error_codes import Code
from api.routes.creators.import_text import ReadCreators, ReadLine
from api.routes.creators.schemas import MOST_AT_ONCE
from api.routes.organization import Organization
from api.routes.usage import room_of
from api.web.campaigns.forms import CampaignForm
from api.web.kit.page import PageContext
from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from domain.phrases import counted, joined
from projections.creators.creator import Creator

_NAMED: Final = 5


class ChosenCreators(Struct, frozen=True, kw_only=True):
    """The chosen creators of a form.

    ``ids`` are those of tracked ones by their handles, and of picked ones by their ids,
    in the order of the form; a new handle has no id yet. ``unconfirmed`` says that
    there are new handles which nobody chose to add. ``problem`` is what is wrong with
    the typed handles.
    """

    ids: Mapping[str, str | None] = {}
    unconfirmed: bool = False
    problem: str | None = None

    @property
    def new(self) -> list[str]:
        return [handle for handle, id_ in self.ids.items() if id_ is None]

    @property
    def tracked(self) -> int:
        return len(self.ids) - len(self.new)

    @property
    def is_empty(self) -> bool:
        return not self.ids


async def chosen_creators(page: PageContext, form: CampaignForm) -> ChosenCreators:
    """Look for the creators of the form, and store nothing.

    Raises:
        ApiRefusedError: the API refused, for example with an unknown project.
    """
    handles: dict[str, None] = {}
    wrong: list[str] = []
    for word in re.split(r"[\s,;]+", form.creators):
        try:
            handles |= {normalize_handle(word): None} if word else {}
        except InvalidHandleError:
            wrong.append(word)
    if wrong:
        are = "is no handle" if len(wrong) == 1 else "are no handles"
        return ChosenCreators(
            problem=f"{_named(wrong)} {are}, and no address of a profile"
        )
    found = await _tracked(page, form.project_id, [*handles])
    picked: dict[str, str | None] = {one: one for one in form.creator if _is_id(one)}
    known = {*found.values()}
    ids = {name: id_ for name, id_ in picked.items() if id_ not in known}
    ids |= {handle: found.get(handle) for handle in handles}
    new = [handle for handle in handles if handle not in found]
    confirmed = {*form.add_new.split()}
    most = page.principal.limits.max_campaign_items_per_campaign
    if most is not None and len(ids) > most:
        has_room = f"your plan has room for {counted(most, 'creator')} in a campaign"
        return ChosenCreators(ids=ids, problem=f"{has_room}, and these are {len(ids)}")
    return ChosenCreators(
        ids=ids,
        unconfirmed=not {*new} <= confirmed,
        problem=await _problem_with_new(page, form.project_id, new, confirmed),
    )


async def add_new_ones(
    page: PageContext, project_id: str, chosen: ChosenCreators
) -> tuple[list[str], str]:
    """Add the new handles to the project; return all ids, and what was refused.

    Raises:
        ApiRefusedError: the API refused all of them.
    """
    added: dict[str, str] = {}
    refused: list[str] = []
    if chosen.new:
        path = f"/projects/{project_id}/creators/import"
        body = {"text": _as_text(chosen.new), "tracking_start_date_if_new": None}
        got = await page.send("POST", path, ReadCreators, body, key_suffix="-new")
        for line in got.data.lines:
            if line.creator_id is not None and line.tiktok_handle is not None:
                added[line.tiktok_handle] = str(line.creator_id)
            else:
                refused.append(_why(line, page))
    ids = [id_ or added.get(name) for name, id_ in chosen.ids.items()]
    return [id_ for id_ in ids if id_ is not None], " ".join(refused)


async def _tracked(
    page: PageContext, project_id: str, handles: Sequence[str]
) -> dict[str, str]:
    """Return the ids of those that the project tracks, by handle."""
    found: dict[str, str] = {}
    for start in range(0, len(handles), MOST_AT_ONCE):
        got = await page.get(
            "/creators",
            list[Creator],
            project_id=project_id,
            tiktok_handles=",".join(handles[start : start + MOST_AT_ONCE]),
            limit=MOST_AT_ONCE,
        )
        found |= {one.tiktok_handle: str(one.id) for one in got.data}
    return found


async def _problem_with_new(
    page: PageContext, project_id: str, new: Sequence[str], confirmed: AbstractSet[str]
) -> str | None:
    """Return why the new handles cannot be added; None if they can.

    A confirmed handle that is taken was added by this form, which is sent again.
    """
    if not new:
        return None
    path = f"/projects/{project_id}/creators/preview"
    got = await page.send(
        "POST", path, ReadCreators, {"text": _as_text(new)}, key_suffix=None
    )
    failed = [line for line in got.data.lines if line.status == "failed"]
    again = {line.tiktok_handle for line in failed if _is_taken(line)} & confirmed
    refused = [_why(line, page) for line in failed if line.tiktok_handle not in again]
    if refused:
        return " ".join(refused).removesuffix(".")
    usage = (await page.get("/organization", Organization)).data.usage
    room = None if usage is None else room_of(usage.creators)
    if room is not None and room < len(new) - len(again):
        are = "is" if len(new) == 1 else "are"
        has_room = f"your plan has room for {counted(room, 'new creator')}"
        return f"{has_room}, and {len(new)} {are} new"
    return None


def _as_text(handles: Iterable[str]) -> str:
    return "\n".join(f"@{handle}" for handle in handles)


def _why(line: ReadLine, page: PageContext) -> str:
    if _is_taken(line) and page.principal.project_ids is None:
        return f"@{line.tiktok_handle} was moved to another project."
    return f"{line.text}: {line.error}".removeprefix(": ")


def _is_taken(line: ReadLine) -> bool:
    return line.code == str(Code.HANDLE_TAKEN)


def _named(texts: Sequence[str]) -> str:
    shown = [text[:40] for text in texts[:_NAMED]]
    rest = len(texts) - len(shown)
    return joined([*shown, f"{rest} more"] if rest else shown)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

"""The effects of erasing a creator, for the form on the settings."""

from msgspec import Struct

from api.web.kit.page import PageContext
from application.erase.mentions import Mention
from application.erase.preview import ErasurePreview
from domain.phrases import counted
from projections.creators.creator import Creator


class PossibleErasure(Struct, frozen=True, kw_only=True):
    """The effects of an erasure, in words, and whether the handle stays banned.

    With ``is_in_clear`` the log must be sealed first.
    """

    concerned: list[str]
    is_banned: bool
    is_in_clear: bool
    mentions: list[Mention]


async def possible_erasure(
    page: PageContext, creator: Creator
) -> PossibleErasure | None:
    """Return the effects of an erasure, None if the key may not erase."""
    if not page.may("admin"):
        return None
    got = await page.get(f"/creators/{creator.id}/erase", ErasurePreview)
    preview = got.data
    creators = counted(preview.creator_count, "creator")
    if preview.creator_count > 1:
        creators += " of the same TikTok account"
    others = (
        (preview.video_count, "video", ""),
        (preview.scrape_count, "scrape", ""),
        (preview.note_count, "note", ", to be deleted"),
        (
            preview.campaign_count,
            "campaign",
            (", which include the creator or a video of the creator"),
        ),
    )
    return PossibleErasure(
        concerned=[
            creators,
            *(f"{counted(n, thing)}{more}" for n, thing, more in others if n),
        ],
        is_banned=preview.ban_count > 0,
        is_in_clear=preview.history_in_clear,
        mentions=preview.mentions,
    )

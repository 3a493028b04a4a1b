"""The shared parts of all pages of a creator: name and figures on top, and the tabs."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar.response import Template

from api.http.errors import ApiError
from api.web.kit.page import PageContext
from api.web.kit.scrape_labels import why_failing
from domain.creator.errors import CreatorErasedError
from domain.summaries import SCRAPED
from projections.creators.creator import Creator


async def get_creator(page: PageContext, creator_id: UUID) -> Creator:
    """Return the creator of a page.

    Raises:
        ApiRefusedError: ``not_found``, if the organization does not have the creator.
        CreatorErasedError: the creator was erased, so there is nothing to show or to
            change.
    """
    got = await page.get(f"/creators/{creator_id}", Creator)
    if got.data.status == "erased":
        raise CreatorErasedError
    return got.data


def show_creator(
    page: PageContext,
    template: str,
    creator: Creator,
    context: Mapping[str, Any] | None = None,
    *,
    error: ApiError | None = None,
    status: int = 200,
    is_secret: bool = False,
) -> Template:
    """Return a page of a creator; its template extends ``creator/layout.html``."""
    given = {
        "creator": creator,
        "scraped": SCRAPED,
        "why_failing": why_failing,
        **(context or {}),
    }
    return page.show(template, given, error=error, status=status, is_secret=is_secret)

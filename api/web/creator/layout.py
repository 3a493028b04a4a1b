"""What stands above each page of a creator: who it is, and the tabs."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar.response import Template

from api.web.kit.page import PageContext
from projections.creators.queries import Creator


async def get_creator(page: PageContext, creator_id: UUID) -> Creator:
    """Return the creator that a page is about.

    Raises:
        RefusedError: ``not_found``, if it is not one of the organization's.
    """
    got = await page.get(f"/creators/{creator_id}", Creator)
    return got.data


def show_creator(
    page: PageContext,
    template: str,
    creator: Creator,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> Template:
    """Return a page of a creator; its template extends ``creator/layout.html``."""
    return page.show(template, {"creator": creator, **(context or {})}, status=status)

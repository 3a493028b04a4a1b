"""What stands above each page of a creator: who it is, and the tabs."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar.response import Template

from api.web.kit.page import Visit
from projections.creators.queries import Creator


async def the_creator(visit: Visit, creator_id: UUID) -> Creator:
    """Return the creator that a page is about.

    Raises:
        RefusedError: ``not_found``, if it is not one of the organization's.
    """
    got = await visit.get(f"/creators/{creator_id}", Creator)
    return got.data


def show_creator(
    visit: Visit,
    template: str,
    creator: Creator,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> Template:
    """Return a page of a creator; its template extends ``creator/frame.html``."""
    return visit.show(template, {"creator": creator, **(context or {})}, status=status)

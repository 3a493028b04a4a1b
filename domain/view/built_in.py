"""The views that every organization has from the start."""

from typing import Final
from uuid import UUID

from domain.streams import built_in_view
from domain.view.commands import SaveView

_STOPPED_POSTING: Final = "stopped_posting"


def built_in_views(organization_id: UUID) -> dict[UUID, SaveView]:
    """Return these views of an organization by their ids, as if somebody saved them."""
    stopped = SaveView(
        organization_id=organization_id,
        list="creators",
        name="Stopped posting",
        query="stopped_posting=true&sort=last_posted_at",
        columns=("followers", "last_posted_at", "posts_per_week", "new_views"),
    )
    return {built_in_view(organization_id, _STOPPED_POSTING): stopped}

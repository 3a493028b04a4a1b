"""The handlers that save, change and delete views."""

from collections.abc import Collection
from uuid import UUID

from domain import commands as c
from domain.decisions import Decision, Handler, check_version, on
from domain.errors import NotFoundError
from domain.view.built_in import built_in_views
from domain.view.decider import decide, view_of
from domain.view.errors import BuiltInViewError


def save_view(view_id: UUID, command: c.SaveView) -> Handler[UUID]:
    histories = yield (view_id,)
    view = view_of(histories[view_id])
    return Decision(view_id, events=on(view_id, decide(view, command)))


def change_view(
    view_id: UUID,
    command: c.ChangeView | c.DeleteView,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Change or delete a view that somebody saved.

    Raises:
        BuiltInViewError: the view comes with Goatherd.
        NotFoundError: the organization has no such view.
    """
    if view_id in built_in_views(organization_id):
        raise BuiltInViewError
    histories = yield (view_id,)
    view = view_of(histories[view_id])
    if view is None or view.organization_id != organization_id:
        raise NotFoundError("view")
    check_version(len(histories[view_id]), expected_versions)
    return Decision(view_id, events=on(view_id, decide(view, command)))

"""The handlers that save, change and delete views."""

from collections.abc import Collection, Mapping
from uuid import UUID

from domain import commands as c
from domain.decisions import Decision, Handler, QuotaCounter, check_version, on
from domain.errors import NotFoundError
from domain.organization.decider import organization_of
from domain.organization.plans import Limits
from domain.streams import views_counter
from domain.view.built_in import built_in_views
from domain.view.decider import decide, view_of
from domain.view.errors import BuiltInViewError


def save_view(
    view_id: UUID, command: c.SaveView, *, plans: Mapping[str, Limits]
) -> Handler[UUID]:
    """Save a view, if the organization's plan has room for it.

    Raises:
        NotFoundError: there is no such organization.
    """
    organization_id = command.organization_id
    histories = yield (view_id, organization_id)
    organization = organization_of(histories[organization_id])
    if organization is None:
        raise NotFoundError("organization")
    events = on(view_id, decide(view_of(histories[view_id]), command))
    counter = QuotaCounter(
        key=views_counter(organization_id),
        delta=1,
        limit_key="max_views_per_org",
        maximum=plans[organization.plan].max_views_per_org,
    )
    return Decision(view_id, events=events, quota_counters=[counter] if events else [])


def change_view(
    view_id: UUID,
    command: c.ChangeView | c.HandOverView | c.DeleteView,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Change, hand over or delete a view that somebody saved.

    Raises:
        BuiltInViewError: the view comes with Goatherd.
        NotFoundError: the organization has no such view for the person.
        OwnerlessViewError: it would be for one person alone, and there is no person.
        ViewOfAnotherError: it is somebody else's, who decides for whom it is.
    """
    if view_id in built_in_views(organization_id):
        raise BuiltInViewError
    histories = yield (view_id,)
    view = view_of(histories[view_id])
    if (
        view is None
        or view.organization_id != organization_id
        or view.is_hidden_from(command.by)
    ):
        raise NotFoundError("view")
    check_version(len(histories[view_id]), expected_versions)
    events = on(view_id, decide(view, command))
    is_deleted = bool(events) and isinstance(command, c.DeleteView)
    counter = QuotaCounter(key=views_counter(organization_id), delta=-1)
    return Decision(
        view_id, events=events, quota_counters=[counter] if is_deleted else []
    )

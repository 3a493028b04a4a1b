"""The context of a shared page: the API, with no right but to read one project."""

from typing import Self

from msgspec import Struct

from api.http.access.auth import Principal
from api.http.request import Request
from api.web.kit.api_client import ApiClient
from api.web.kit.page import PageContext
from api.web.kit.site import OrganizationInfo, Site
from application.shares.service import FoundIssue, FoundShare
from domain.organization.plans import Limits


class _SharingOrganization(Struct, frozen=True):
    name: str
    time_zone: str


class SharedContext(PageContext):
    """Reads the API for whoever has the link.

    Every read goes through the role of people who are limited to projects, with the
    link's project alone, unless it leads to an issue about the whole organization.
    Nothing is written. The browser's own session, if there is
    one, counts for nothing here.
    """

    def __init__(
        self,
        request: Request,
        site: Site,
        found: FoundShare | FoundIssue,
        limits: Limits,
    ) -> None:
        super().__init__(request, site)
        project_id = (
            found.project_id
            if isinstance(found, FoundIssue)
            else found.share.project_id
        )
        self._reads_as = Principal(
            key_id=found.id,
            organization_id=found.organization_id,
            scopes=frozenset({"read"}),
            plan=found.plan,
            limits=limits,
            project_ids=None if project_id is None else frozenset({project_id}),
        )
        self._api = ApiClient(request, self._reads_as)
        # The cookie may be from another page, and would only make this one wait.
        self._position = None

    @classmethod
    async def of(
        cls,
        request: Request,
        site: Site,
        found: FoundShare | FoundIssue,
        limits: Limits,
    ) -> Self:
        """Return the context of a link, with its organization's name and zone.

        Raises:
            ApiRefusedError: the API refused.
        """
        context = cls(request, site, found, limits)
        got = await context.get("/organization", _SharingOrganization)
        context.organization = OrganizationInfo(
            name=got.data.name, time_zone=got.data.time_zone
        )
        return context

    @property
    def principal(self) -> Principal:
        return self._reads_as

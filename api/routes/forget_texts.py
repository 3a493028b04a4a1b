"""The forgetting of earlier texts of an organization and of its things."""

from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import write_route
from api.http.writer import CommandWriter
from application.erase.texts import ForgettingCommand, ForgottenAnswer, forgotten_by


def _forgetting(path: str, tag: str, operation_id: str) -> HTTPRouteHandler:
    return write_route(
        post,
        f"{path}/forget-texts",
        operation_id,
        scope="admin",
        recent_proof=True,
        status=200,
        tags=[tag],
        versioned=False,
    )


class ForgetTextsRoutes(Controller):
    """Earlier texts that are forgotten."""

    path = "/"

    @_forgetting("/campaigns/{campaign_id:uuid}", "Campaigns", "forgetCampaignTexts")
    def forget_campaign_texts(
        self,
        request: Request,
        campaign_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names and notes of a campaign.

        Change its name, description, readme and metadata first. The earlier texts can
        then not be read any more: in the log, in histories, as of the past, in exports,
        in proofs and after rebuilds. Nothing brings them back. The present texts stay,
        except those of a deleted campaign. `forgotten` is false if there were no
        earlier texts.
        """
        return _forget(request, writer, campaign_id)

    @_forgetting("/projects/{project_id:uuid}", "Projects", "forgetProjectTexts")
    def forget_project_texts(
        self,
        request: Request,
        project_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names, descriptions, clients and comments of a project.

        Change them first; see `POST /campaigns/{id}/forget-texts`.
        """
        return _forget(request, writer, project_id)

    @_forgetting("/api-keys/{key_id:uuid}", "API keys", "forgetApiKeyTexts")
    def forget_api_key_texts(
        self,
        request: Request,
        key_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names of a key.

        Rename the key first; see `POST /campaigns/{id}/forget-texts`. The present name
        of a revoked key is forgotten as well.
        """
        return _forget(request, writer, key_id)

    @_forgetting("/views/{view_id:uuid}", "Views", "forgetViewTexts")
    def forget_view_texts(
        self,
        request: Request,
        view_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names of a view, and the words in its earlier queries.

        Change the view first; see `POST /campaigns/{id}/forget-texts`. The present name
        and query of a deleted view are forgotten as well.
        """
        return _forget(request, writer, view_id)

    @_forgetting("/shares/{share_id:uuid}", "Shared links", "forgetShareTexts")
    def forget_share_texts(
        self,
        request: Request,
        share_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names of a shared link, and its earlier sites.

        Change the link first; see `POST /campaigns/{id}/forget-texts`. The present name
        and sites of a revoked link are forgotten as well.
        """
        return _forget(request, writer, share_id)

    @_forgetting("/alert-rules/{rule_id:uuid}", "Alerts", "forgetAlertRuleTexts")
    def forget_alert_rule_texts(
        self,
        request: Request,
        rule_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names of an alert rule.

        Rename the rule first; see `POST /campaigns/{id}/forget-texts`. The present name
        of a removed rule is forgotten as well.
        """
        return _forget(request, writer, rule_id)

    @_forgetting("/reports/{report_id:uuid}", "Reports", "forgetReportTexts")
    def forget_report_texts(
        self,
        request: Request,
        report_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names of a report, and its earlier recipients.

        Change the report first; see `POST /campaigns/{id}/forget-texts`. The present
        name and recipients of a removed report are forgotten as well.
        """
        return _forget(request, writer, report_id)

    @_forgetting("/channels/{channel_id:uuid}", "Channels", "forgetChannelTexts")
    def forget_channel_texts(
        self,
        request: Request,
        channel_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names of a channel, and its earlier addresses in short.

        Rename the channel first; see `POST /campaigns/{id}/forget-texts`. A removal
        forgets all of them.
        """
        return _forget(request, writer, channel_id)

    @_forgetting("/organization", "Organization", "forgetOrganizationTexts")
    def forget_organization_texts(
        self, request: Request, writer: NamedDependency[CommandWriter]
    ) -> Answer[ForgottenAnswer]:
        """Forget the earlier names of the organization.

        Rename it first; see `POST /campaigns/{id}/forget-texts`.
        """
        return _forget(request, writer, request.organization_id)


def _forget(
    request: Request, writer: CommandWriter, of: UUID
) -> Answer[ForgottenAnswer]:
    command = ForgettingCommand(
        writer.store, of, organization_id=request.organization_id
    )
    return writer.perform(
        request,
        command.handler,
        lambda _, done: Answer(forgotten_by(done)),
        in_transaction=command.in_transaction,
    )

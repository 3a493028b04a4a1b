"""`goatherd mail`: a mail to try the mail server with."""

from typing import Annotated

from cyclopts import Parameter

from api.cli import CommandError, UsageError
from api.cli.kit.options import DataDir, Json, settings_for_links
from api.cli.kit.output import plain, print_json
from application.mail.letter import letter
from application.mail.server import MailNotSentError, MailServer
from domain.email import checked_email
from domain.errors import InvalidEmailError
from infra.ids import new_id

_NONE = "No mail server is set up: set GOATHERD_SMTP_URL."


def try_server(
    address: Annotated[str, Parameter(help="The address that gets the mail.")],
    /,
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send a mail now, and tell what the mail server answers."""
    settings = settings_for_links(data_dir)
    server = MailServer.of(settings)
    if server is None:
        raise CommandError(_NONE)
    try:
        to = checked_email(address)
        text = f"Goatherd at {settings.own_url} can send mail.\n"
        mail = letter(to, "A test of Goatherd", text)
        server.deliver(mail, mail_id=new_id())
    except InvalidEmailError as error:
        raise UsageError(f"The address {error}.") from error
    except MailNotSentError as error:
        where = f"{server.host}:{server.port}"
        raise CommandError(f"{where} took no mail. {plain(str(error))}") from error
    if json:
        print_json({"sent": True, "host": server.host, "port": server.port})
        return
    print(f"Sent by {server.host}:{server.port}")

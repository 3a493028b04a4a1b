"""``goatherd mail test``: the mail server's own answer."""

from tests.kit.command_line import CommandLine
from tests.kit.mail_server import MailBox, mail_server


def test_a_mail_is_sent_at_once_or_the_reason_is_told(cli: CommandLine):
    box = MailBox()
    without = cli("mail", "test", "ada@example.com")
    with mail_server(box) as port:
        url = f"smtp://goat:secret-hay@127.0.0.1:{port}?from=goat@example.com&tls=none"
        cli.set(smtp_url=url.replace("goat:secret-hay@", ""))
        sent = cli("mail", "test", "ada@example.com", "--json").document
        wrong = cli("mail", "test", "ada")
        box.refuses = "550 No such goat"
        refused = cli("mail", "test", "ada@example.com")
        cli.set(smtp_url=url)
        unable = cli("mail", "test", "ada@example.com")

    assert "set GOATHERD_SMTP_URL" in without.err
    assert sent == {"sent": True, "host": "127.0.0.1", "port": port}
    assert [mail["To"] for mail in box.mails] == ["ada@example.com"]
    assert "must be an email address" in wrong.err
    assert f"127.0.0.1:{port} took no mail" in refused.err
    assert "550: No such goat" in refused.err
    assert "took no mail" in unable.err
    assert "secret-hay" not in unable.err + unable.out

"""Each kind of channel sends what its service reads, also about hostile names."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.header import decode_header, make_header
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from application.channels.kinds import KINDS
from application.channels.messages import Message
from application.channels.results import SendingContext, Sent
from domain.channel.events import ChannelKind
from infra.http_out.posting import Poster
from infra.keys.webhook_secrets import draw_webhook_secret
from infra.settings import Settings
from tests.kit.mail_server import MailBox, mail_server, text_of
from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite

CHANNEL, ORGANIZATION = UUID(int=1), UUID(int=2)
HOSTILE = "<!channel> @everyone [win](https://evil.example) *b* `c`\r\nX-Evil: 1 ✓"
MESSAGE = Message(
    id=UUID(int=0xABC),
    type="alert.opened",
    title=f"No post for 7 days: {HOSTILE}",
    details=(
        ("Creator", "@ada"),
        ("Project", HOSTILE),
        ("Evidence", "1.5 days without a post"),
    ),
    link="https://goats.example.com/alerts/1?a=1&b=2",
    severity="critical",
    at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    organization="Herd & Söhne",
    data={"amount": 1},
)
SECRET = draw_webhook_secret()


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


def send(
    kind: ChannelKind,
    address: str,
    *,
    smtp_url: str | None = None,
    message: Message = MESSAGE,
) -> Sent:
    settings = {"GOATHERD_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1"}
    if smtp_url is not None:
        settings["GOATHERD_SMTP_URL"] = smtp_url
    read = Settings.from_environment(settings)
    with Poster(read.webhook_allowed_hosts) as poster:
        context = SendingContext(
            settings=read,
            poster=poster,
            secrets=[SECRET],
            channel_id=CHANNEL,
            organization_id=ORGANIZATION,
        )
        return KINDS[kind].send(context, address, message)


def received(kind: ChannelKind, site: ScriptedSite) -> ReceivedRequest:
    site.answers["/in"] = Answer(status=200, body=b"ok")
    sent = send(kind, f"{site.url}/in")
    assert (sent.is_taken, sent.status, sent.answer) == (True, 200, "ok")
    (request,) = site.received
    return request


def test_slack_gets_plain_text_and_one_link_of_ours(site: ScriptedSite):
    body = json.loads(received("slack", site).body)

    header, section, link = body["blocks"]
    assert header["type"] == "header"
    assert header["text"]["text"].startswith("🔴 No post for 7 days: &lt;!channel&gt;")
    assert len(header["text"]["text"]) <= 150
    assert [header["text"]["type"], section["text"]["type"]] == ["plain_text"] * 2
    assert "Project: &lt;!channel&gt; @everyone" in section["text"]["text"]
    assert link["text"] == {
        "type": "mrkdwn",
        "text": "<https://goats.example.com/alerts/1?a=1&amp;b=2|Open in Goatherd>",
    }
    # Links and mentions of Slack are in such brackets.
    assert "<" not in body["text"] + header["text"]["text"] + section["text"]["text"]


def test_discord_gets_an_embed_that_mentions_nobody(site: ScriptedSite):
    body = json.loads(received("discord", site).body)

    (embed,) = body["embeds"]
    assert body["allowed_mentions"] == {"parse": []}
    assert "content" not in body
    assert embed["url"] == MESSAGE.link
    assert embed["timestamp"] == "2026-03-02T08:00:00Z"
    assert len(embed["title"]) <= 256
    fields = {field["name"]: field["value"] for field in embed["fields"]}
    assert fields["Creator"] == r"\@ada"
    assert fields["Project"].startswith(
        r"\<!channel\> \@everyone \[win\]\(https\://evil.example\) \*b\* \`c\` X\-Evil"
    )


def test_no_name_breaks_out_of_the_headers_of_ntfy(site: ScriptedSite):
    request = received("ntfy", site)

    headers = {name.lower(): value for name, value in request.headers.items()}
    assert "x-evil" not in headers
    title = str(make_header(decode_header(headers["title"])))
    assert title.startswith("No post for 7 days: <!channel> @everyone")
    assert title.endswith("X-Evil: 1 ✓")
    assert headers["title"].isascii()
    assert (headers["priority"], headers["tags"]) == ("5", "rotating_light")
    assert headers["click"] == MESSAGE.link
    assert request.body.decode().startswith("Creator: @ada\nProject: <!channel>")


def test_a_webhook_gets_json_that_verifies_as_standard_webhooks(site: ScriptedSite):
    request = received("webhook", site)

    headers = {name.lower(): value for name, value in request.headers.items()}
    event: Any = Webhook(SECRET).verify(request.body, headers)
    assert headers["webhook-id"] == f"msg_{MESSAGE.id.hex}"
    assert (event["type"], event["timestamp"]) == (
        "alert.opened",
        "2026-03-02T08:00:00Z",
    )
    assert event["data"]["severity"] == "critical"
    assert event["data"]["link"] == MESSAGE.link
    assert event["data"]["amount"] == 1
    with pytest.raises(Exception, match="signature"):
        Webhook(draw_webhook_secret()).verify(request.body, headers)


def test_a_mail_has_one_subject_and_no_link_of_strangers():
    box = MailBox()
    with mail_server(box) as port:
        smtp_url = f"smtp://127.0.0.1:{port}?from=goat@herd.example&tls=none"
        sent = [send("email", "ada@herd.example", smtp_url=smtp_url) for _ in range(2)]
        box.refuses = "550 unknown"
        refused = send("email", "ada@herd.example", smtp_url=smtp_url)
        box.refuses = "451 later"
        later = send("email", "ada@herd.example", smtp_url=smtp_url)

    assert all(each.is_taken for each in sent)
    mail, again = box.mails
    assert mail["To"] == "ada@herd.example"
    assert mail["Subject"].startswith("No post for 7 days: <!channel>")
    assert "X-Evil" not in mail
    text = text_of(mail)
    assert MESSAGE.link is not None
    assert MESSAGE.link in text
    assert "Creator: @ada" in text
    assert "1.5 days without a post" in text.replace("\N{WORD JOINER}", "")
    assert "https://evil" not in text.partition("Creator")[2]
    assert "evil.example" not in text.partition("Creator")[2]
    assert mail["Message-ID"] == again["Message-ID"]
    assert (refused.failed, refused.is_final) == ("The server says 550.", True)
    assert (later.failed, later.is_final) == ("The server says 451.", False)


def test_a_mail_names_all_creators_of_a_message():
    box = MailBox()
    names = ", ".join(f"@a.goat.with.a.name.{number}" for number in range(20))
    message = replace(MESSAGE, details=(("Creators", f"{names}, 3 more"),))
    with mail_server(box) as port:
        smtp_url = f"smtp://127.0.0.1:{port}?from=goat@herd.example&tls=none"
        send("email", "ada@herd.example", smtp_url=smtp_url, message=message)

    text = text_of(box.mails[0]).replace("\N{WORD JOINER}", "")
    assert f"Creators: {names}, 3 more" in text


def test_a_mail_to_a_creator_has_the_way_out_and_no_link_of_strangers():
    box = MailBox()
    out = "https://goats.example.com/unsubscribe/abc"
    message = replace(MESSAGE, link=None, unsubscribe_url=out, text="Till Sunday.")
    with mail_server(box) as port:
        smtp_url = f"smtp://127.0.0.1:{port}?from=goat@herd.example&tls=none"
        sent = send(
            "creator_email", "ada@herd.example", smtp_url=smtp_url, message=message
        )

    (mail,) = box.mails
    assert sent.is_taken
    assert mail["To"] == "ada@herd.example"
    assert mail["List-Unsubscribe"] == f"<{out}>"
    assert "X-Evil" not in mail
    text = text_of(mail)
    assert text.startswith("Till Sunday.")
    assert "Goatherd sends this for Herd & Söhne" in text
    assert out in text
    assert "evil.example" not in text
    assert "Open in Goatherd" not in mail.as_string()


@pytest.mark.parametrize("kind", ("slack", "discord", "ntfy", "webhook"))
def test_answers_say_whether_another_try_is_of_use(
    kind: ChannelKind, site: ScriptedSite
):
    final: Callable[[int], bool] = lambda status: (  # noqa: E731 - one rule
        status == 410 or (kind != "webhook" and status in {400, 403, 404})
    )
    for status in (400, 403, 404, 408, 410, 429, 500, 503):
        headers = {"Retry-After": "7"} if status == 429 else {}
        site.answers["/in"] = Answer(status=status, headers=headers)
        sent = send(kind, f"{site.url}/in")
        assert (sent.failed, sent.is_final) == (
            f"The answer was {status}.",
            final(status),
        )
        assert sent.retry_after == (7 if status == 429 else None)
    away = send(kind, "http://127.0.0.1:9/in")
    assert (away.is_taken, away.is_final, away.status) == (False, False, None)
    inside = send(kind, "https://10.0.0.1/in")
    assert "must not be an address inside of a network" in (inside.failed or "")

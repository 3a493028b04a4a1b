"""The pages of the pretended TikTok: consent, and the list of apps that may read."""

from collections.abc import Mapping, Sequence
from html import escape

from domain.connection.consent import SCOPES
from tests.tools.fake_tiktok.accounts import FakeAccount

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; background: Canvas; color: CanvasText; }
main { max-width: 30rem; margin: 0 auto; padding: 1rem; }
.strip { background: #7a4b00; color: #fff; padding: .5rem 1rem; text-align: center; }
h1 { font-size: 1.375rem; }
fieldset { border: 1px solid #8888; border-radius: .5rem; margin: 0 0 1rem; }
label { display: flex; gap: .5rem; align-items: baseline; padding: .375rem 0; }
button { font: inherit; min-height: 2.75rem; width: 100%; margin: 0 0 .5rem;
  border: 1px solid #8888; border-radius: .5rem; background: ButtonFace;
  color: ButtonText; }
button.primary { background: #c2003f; border-color: #c2003f; color: #fff; }
li { margin: 0 0 1rem; } small { color: GrayText; }
"""


def page(title: str, body: str) -> str:
    """Return a whole page, which says that this TikTok is pretended."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        '<p class="strip">This is not TikTok: a stand-in on this machine, '
        f"with invented accounts.</p><main>{body}</main></body></html>"
    )


def consent_page(
    query: Mapping[str, str], accounts: Sequence[FakeAccount], scopes: Sequence[str]
) -> str:
    """Return the page on which a person chooses an account, and allows or declines."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
        if name in {"state", "code_challenge"}
    )
    choices = "".join(
        f'<label><input type="radio" name="username" value="{escape(a.username)}"'
        f"{' checked' if number == 0 else ''}> @{escape(a.username)}</label>"
        for number, a in enumerate(accounts)
    )
    switches = "".join(
        f'<label><input type="checkbox" name="scope" value="{escape(scope)}" checked> '
        f"<span>{escape(SCOPES.get(scope, scope))}<br><small>{escape(scope)}</small>"
        "</span></label>"
        for scope in scopes
    )
    return page(
        "Allow an app",
        "<h1>Goatherd wants to read your account</h1>"
        f'<form method="post" action="/consent">{hidden}'
        f"<fieldset><legend>You are</legend>{choices}</fieldset>"
        f"<fieldset><legend>It may read</legend>{switches}</fieldset>"
        '<button class="primary" name="answer" value="allow">Continue</button>'
        '<button name="answer" value="decline">Cancel</button></form>',
    )


def apps_page(consents: Sequence[tuple[FakeAccount, Sequence[str]]]) -> str:
    """Return the list of accounts that allow the app, each with a button to end it."""
    rows = "".join(
        f"<li><strong>@{escape(account.username)}</strong> lets Goatherd read "
        f"{escape(', '.join(scopes))}."
        '<form method="post" action="/withdraw">'
        f'<input type="hidden" name="username" value="{escape(account.username)}">'
        "<button>Remove access</button></form></li>"
        for account, scopes in consents
    )
    body = f"<ul>{rows}</ul>" if rows else "<p>No account lets Goatherd read it.</p>"
    return page(
        "Apps and services permissions", f"<h1>Apps and services permissions</h1>{body}"
    )

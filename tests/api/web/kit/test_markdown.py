"""Notes as HTML: hostile Markdown becomes nothing that a browser would act on."""

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from markdown_it import MarkdownIt

from api.web.kit.markdown import ImageURL, to_html
from api.web.kit.parts.drawn import forget_drawn


def none_of(url: str) -> str | None:
    """No picture is passed on."""
    del url


def all_of(url: str) -> str | None:
    """Every picture of another site is passed on."""
    return f"/images/{quote(url, safe='')}" if url.startswith("https:") else None


SAFE_TAGS = {
    *("a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "img"),
    *("li", "ol", "p", "pre", "s", "strong"),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
}
SAFE_ATTRIBUTES = {
    *("href", "title", "rel", "target", "start"),
    *("src", "alt", "loading", "referrerpolicy"),
}
REL = "noopener noreferrer nofollow ugc"

HOSTILE = (
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](<javascript:alert(1)>)",
    "[a]( javascript:alert(1))",
    "[a](javascript&colon;alert(1))",
    "[a](javascript&#58;alert(1))",
    "[a](javascript&#x3a;alert(1))",
    "[a](java&#10;script:alert(1))",
    "[a](java&#9;script:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](&#x6A&#x61&#x76&#x61script:alert(1))",
    "[a](javascript%3aalert(1))",
    "[a](\\javascript:alert(1))",
    "[a](\u0001javascript:alert(1))",
    "[a](\u00a0javascript:alert(1))",
    "[a](vbscript:msgbox(1))",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a](data:text/html,<script>alert(1)</script>)",
    "[a](file:///etc/passwd)",
    "[a](blob:https://tiktok.com/1)",
    "[a](view-source:javascript:alert(1))",
    "[a](//evil.example/x)",
    "[a](/operations)",
    "[a](\\\\evil.example)",
    "[a](feed:javascript:alert(1))",
    '[a](https://x.example "onmouseover=alert(1)")',
    '[a](https://x.example/"onclick="alert(1))',
    "[a](https://x.example/'><script>alert(1)</script>)",
    "[a][r]\n\n[r]: javascript:alert(1)",
    "[r]: <javascript:alert(1)>\n\n[r]",
    "<javascript:alert(1)>",
    "<vbscript:alert(1)>",
    "<data:text/html,x>",
    "<https://x.example/\"onmouseover='alert(1)'>",
    "<img src=x onerror=alert(1)>",
    "<IMG SRC=`javascript:alert(1)`>",
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "![a](data:image/png;base64,iVBORw0KGgo=)",
    '![a](https://x.example/"onerror="alert(1))',
    '![" onerror="alert(1)](https://x.example/a.png)',
    "![<img src=x onerror=alert(1)>](https://x.example/a.png)",
    "![a](https://x.example/a.png \"' onload='alert(1)\")",
    "[![a](javascript:alert(1))](https://x.example)",
    "[![a](https://x.example/a.png)](javascript:alert(1))",
    "[[a](javascript:alert(1))](https://x.example)",
    "<script>alert(1)</script>",
    "<div>\n<script>alert(1)</script>\n</div>",
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<form action=/sign-out method=post><button>x</button></form>",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>@import 'https://evil.example'</style>",
    "<a href=javascript:alert(1)>x</a>",
    "<a\nhref=javascript:alert(1)\n>x</a>",
    "<!-- --><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php alert(1) ?>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    '```html"onmouseover=alert(1)\n</code></pre><script>alert(1)</script>\n```',
    "`</code><script>alert(1)</script>`",
    "# <script>alert(1)</script>",
    "| <script>alert(1)</script> |\n|---|\n| [a](javascript:alert(1)) |",
    "> <details open ontoggle=alert(1)>",
    "- <input autofocus onfocus=alert(1)>",
    "<a href='https://x.example' style='position:fixed' onclick=alert(1)>x</a>",
    "</p></div></main><script>alert(1)</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<hx-x hx-get=/operations hx-trigger=load>",
)


class Seen(HTMLParser):
    """The tags with their attributes and the text that a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.other: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"br", "hr", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_decl(self, decl: str) -> None:
        self.other.append(decl)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_harmless(seen: Seen) -> None:
    assert {tag for tag, _ in seen.tags} <= SAFE_TAGS
    assert seen.other == []
    assert seen.open == []
    for _, attributes in seen.tags:
        assert set(attributes) <= SAFE_ATTRIBUTES
    for link in seen.all("a"):
        assert link["rel"] == REL
        assert (link.get("href") or "https:").startswith(
            ("http://", "https:", "mailto:")
        )
    for image in seen.all("img"):
        assert (image.get("src") or "/images/").startswith("/images/")
        assert image["referrerpolicy"] == "no-referrer"


@pytest.mark.parametrize("image_url", (none_of, all_of))
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_notes_become_harmless(text: str, *, image_url: ImageURL):
    for notes in (text, f"Before {text} after", f"> - {text}", f"**{text}**"):
        assert_harmless(Seen(to_html(notes, image_url=image_url)))


@pytest.mark.parametrize("image_url", (none_of, all_of))
def test_all_of_them_together_become_harmless(*, image_url: ImageURL):
    for between in ("\n\n", "\n", " ", ""):
        html = to_html(between.join(HOSTILE), image_url=image_url)
        assert_harmless(Seen(html))


def test_the_cleaner_alone_would_do(monkeypatch: pytest.MonkeyPatch):
    """Even if the renderer let HTML and every link through."""
    trusting = MarkdownIt("commonmark", {"html": True}).enable("table")
    trusting.validateLink = lambda url: url != ""
    monkeypatch.setattr("api.web.kit.markdown._PARSER", trusting)
    forget_drawn()

    for text in HOSTILE:
        assert_harmless(Seen(to_html(text, image_url=all_of)))
    forget_drawn()


def test_markdown_is_shown_as_it_is_meant():
    notes = (
        "*Kind* and **quick**, ~~slow~~ `code`\n\n1. one\n2. two\n\n> said\n\n"
        "| a |\n|---|\n| 1 |\n\n[site](https://x.example/?a=1&b=2 'Her site') and "
        "<mailto:goat@x.example>"
    )

    seen = Seen(to_html(notes, image_url=none_of))

    tags = [tag for tag, _ in seen.tags]
    expected = {"em", "strong", "s", "code", "ol", "li", "blockquote", "table", "a"}
    assert expected <= set(tags)
    site, mail = seen.all("a")
    assert site["href"] == "https://x.example/?a=1&b=2"
    assert site["title"] == "Her site"
    assert mail["href"] == "mailto:goat@x.example"


@pytest.mark.parametrize(
    ("text", "shown"),
    (
        ("See https://a.example/b_c?d=1.", "See <a>https://a.example/b_c?d=1</a>."),
        ("(http://a.example) ok", "(<a>http://a.example</a>) ok"),
        ("**https://a.example/(b)**", "<strong><a>https://a.example/(b)</a></strong>"),
        ("`https://a.example`", "<code>https://a.example</code>"),
        ("[b](https://a.example)", "<a>b</a>"),
        ("javascript://a ftp://a https:// a.example", None),
    ),
)
def test_a_bare_url_is_a_link(text: str, shown: str | None):
    html = to_html(text, image_url=none_of)

    bare = re.sub(r"<a [^>]*>", "<a>", html).strip()
    assert bare == f"<p>{shown or text}</p>"


def test_an_image_is_a_link_with_its_words_unless_images_are_allowed():
    notes = "![a *goat*](https://x.example/goat.png) ![](https://x.example/kid.png)"

    hidden = Seen(to_html(notes, image_url=none_of))
    shown = Seen(to_html(notes, image_url=all_of))

    assert hidden.all("img") == []
    assert [link["href"] for link in hidden.all("a")] == [
        "https://x.example/goat.png",
        "https://x.example/kid.png",
    ]
    assert hidden.text.split() == ["a", "goat", "image"]
    assert [image["src"] for image in shown.all("img")] == [
        "/images/https%3A%2F%2Fx.example%2Fgoat.png",
        "/images/https%3A%2F%2Fx.example%2Fkid.png",
    ]
    assert shown.all("img")[0]["alt"] == "a goat"


@pytest.mark.parametrize(
    ("typed", "shown"),
    (
        ("# A\n## B\n# C", ["h3", "h4", "h3"]),
        ("#### A\n# B\n###### C", ["h3", "h3", "h4"]),
        ("# A\n### B\n### C\n## D", ["h3", "h4", "h4", "h4"]),
        ("# A\n## B\n### C\n#### D\n##### E", ["h3", "h4", "h5", "h6", "h6"]),
        ("A\n===\nB\n---", ["h3", "h4"]),
    ),
)
def test_headings_begin_below_the_cards_and_leave_none_out(
    typed: str, shown: list[str]
):
    assert [t for t, _ in Seen(to_html(typed, image_url=none_of)).tags] == shown


@pytest.mark.parametrize(
    "text", ("a" * 64_001, "![" * 32_000, "\N{GOAT}" * 16_001, "<b>[" * 10_000)
)
def test_what_is_too_much_is_shown_as_it_was_typed(text: str):
    seen = Seen(to_html(text, image_url=all_of))

    assert [tag for tag, _ in seen.tags] == ["pre"]
    assert seen.text == text

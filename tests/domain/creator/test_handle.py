import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError

ALLOWED = string.ascii_lowercase + string.digits + "._-"

UNDERSTOOD = {
    "ada": "ada",
    "@ada": "ada",
    "ADA": "ada",
    "@Ada.Lovelace": "ada.lovelace",
    "a": "a",
    "7": "7",
    "a.b_c-d": "a.b_c-d",
    "_ada_": "_ada_",
    "-ada-": "-ada-",
    ".ada": ".ada",
    "a..b": "a..b",
    "com1": "com1",
    "a" * 30: "a" * 30,
    "@" + "a" * 30: "a" * 30,
    "  ada\r\n": "ada",
    "\t@ada ": "ada",
    "https://www.tiktok.com/@ada": "ada",
    "https://tiktok.com/@ada": "ada",
    "https://m.tiktok.com/@ada": "ada",
    "http://www.tiktok.com/@ada": "ada",
    "HTTPS://WWW.TIKTOK.COM/@ADA": "ada",
    "https://www.tiktok.com/@ada/": "ada",
    "https://www.tiktok.com/@ada?lang=en&_t=8": "ada",
    "https://www.tiktok.com/@ada/?lang=en": "ada",
    "https://www.tiktok.com/@ada#top": "ada",
    " https://www.tiktok.com/@Ada.L ": "ada.l",
}
REFUSED = {
    "empty": "",
    "blanks": "  ",
    "only @": "@",
    "two @": "@@ada",
    "@ inside": "a@da",
    "@ behind": "ada@",
    "a blank after @": "@ ada",
    "a blank inside": "ada lovelace",
    "a line break inside": "ada\nlovelace",
    "one dot": ".",
    "a dot at the end": "ian..ian.",
    "a dot at the end of a URL": "https://www.tiktok.com/@ian.",
    "two dots": "..",
    "many dots": "...",
    "31 characters": "a" * 31,
    "31 characters in a URL": "https://www.tiktok.com/@" + "a" * 31,
    "Kelvin sign": "\N{KELVIN SIGN}ate",
    "dotted capital I": "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}vy",
    "dotless i": "\N{LATIN SMALL LETTER DOTLESS I}vy",
    "long s": "\N{LATIN SMALL LETTER LONG S}ara",
    "fullwidth": "\N{FULLWIDTH LATIN SMALL LETTER A}da",
    "fullwidth @": "\N{FULLWIDTH COMMERCIAL AT}ada",
    "fullwidth dot": "a\N{FULLWIDTH FULL STOP}b",
    "Cyrillic a": "\N{CYRILLIC SMALL LETTER A}da",
    "umlaut": "ad\N{LATIN SMALL LETTER A WITH DIAERESIS}",
    "combining accent": "ada\N{COMBINING ACUTE ACCENT}",
    "Arabic digit": "ada\N{ARABIC-INDIC DIGIT SEVEN}",
    "NUL": "ada\0",
    "NUL first": "\0ada",
    "vertical tab": "\vada",
    "no-break space": "\N{NO-BREAK SPACE}ada",
    "zero width space": "a\N{ZERO WIDTH SPACE}da",
    "bidi override": "\N{RIGHT-TO-LEFT OVERRIDE}ada",
    "bidi isolate": "ada\N{POP DIRECTIONAL ISOLATE}",
    "byte order mark": "\N{ZERO WIDTH NO-BREAK SPACE}ada",
    "half a surrogate pair": "ada\ud800",
    "emoji": "ada\N{GOAT}",
    "SQL": "ada';--",
    "SQL wildcard": "a%",
    "quote": 'a"da',
    "backslash": "a\\da",
    "path": "../ada",
    "path under": "ada/videos",
    "percent": "%61da",
    "comma": "ada,berta",
    "another site": "https://www.example.com/@ada",
    "a site that ends alike": "https://eviltiktok.com/@ada",
    "a site that begins alike": "https://www.tiktok.com.example.com/@ada",
    "a user before the site": "https://www.tiktok.com@example.com/@ada",
    "another subdomain": "https://vm.tiktok.com/@ada",
    "a port": "https://www.tiktok.com:443/@ada",
    "no scheme": "www.tiktok.com/@ada",
    "another scheme": "ftp://www.tiktok.com/@ada",
    "javascript": "javascript:alert(1)//https://www.tiktok.com/@ada",
    "URL without @": "https://www.tiktok.com/ada",
    "URL without a handle": "https://www.tiktok.com/@",
    "URL of dots": "https://www.tiktok.com/@..",
    "URL with two @": "https://www.tiktok.com/@@ada",
    "video URL": "https://www.tiktok.com/@ada/video/7300000000000000000",
    "Kelvin sign in the site": "https://www.ti\N{KELVIN SIGN}tok.com/@ada",
    "Kelvin sign in the URL": "https://www.tiktok.com/@\N{KELVIN SIGN}ate",
    "line break in the query": "https://www.tiktok.com/@ada?a\nb",
    "longer than any URL": "https://www.tiktok.com/@ada?" + "a" * 2_048,
}


@pytest.mark.parametrize(("text", "handle"), UNDERSTOOD.items())
def test_what_people_write_for_a_handle_is_understood(text: str, handle: str):
    assert normalize_handle(text) == handle


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_handle_is_refused(text: str):
    with pytest.raises(InvalidHandleError) as refused:
        normalize_handle(text)

    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 300


@given(st.text())
def test_whatever_comes_out_is_plain_and_comes_out_the_same_again(text: str):
    try:
        handle = normalize_handle(text)
    except InvalidHandleError:
        return

    assert 1 <= len(handle) <= 30
    assert set(handle) <= set(ALLOWED)
    assert normalize_handle(handle) == handle


@given(
    st.text(ALLOWED, min_size=1, max_size=30).filter(
        lambda text: not text.endswith(".")
    )
)
def test_every_way_to_write_a_handle_means_the_same(handle: str):
    written = [
        handle,
        handle.upper(),
        f"@{handle}",
        f" {handle}\n",
        f"https://www.tiktok.com/@{handle}",
        f"https://m.tiktok.com/@{handle}/?lang=en",
    ]

    assert {normalize_handle(text) for text in written} == {handle}

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.errors import InvalidVideoUrlError
from domain.messages import VideoKind
from domain.video.url import VideoUrl, read_video_url, video_url

ID = "7185729796075474222"
LARGEST = str(2**63 - 1)

UNDERSTOOD: dict[str, tuple[str, VideoKind, str]] = {
    f"https://www.tiktok.com/@ada/video/{ID}": ("ada", "video", ID),
    f"https://www.tiktok.com/@ada/photo/{ID}": ("ada", "photo", ID),
    f"https://tiktok.com/@ada/video/{ID}": ("ada", "video", ID),
    f"https://m.tiktok.com/@ada/video/{ID}": ("ada", "video", ID),
    f"http://www.tiktok.com/@ada/video/{ID}": ("ada", "video", ID),
    f"www.tiktok.com/@ada/video/{ID}": ("ada", "video", ID),
    f"tiktok.com/@ada/photo/{ID}": ("ada", "photo", ID),
    f"https://www.tiktok.com/@ada/video/{ID}/": ("ada", "video", ID),
    f"https://www.tiktok.com/@ada/video/{ID}?is_from_webapp=1": ("ada", "video", ID),
    f"https://www.tiktok.com/@ada/video/{ID}/?a=1&b=//x@y": ("ada", "video", ID),
    f"https://www.tiktok.com/@ada/video/{ID}#comments": ("ada", "video", ID),
    f" \thttps://www.tiktok.com/@ada/video/{ID}\r\n": ("ada", "video", ID),
    f"HTTPS://WWW.TIKTOK.COM/@Ada.L_-7/VIDEO/{ID}": ("ada.l_-7", "video", ID),
    "https://www.tiktok.com/@ada/video/1": ("ada", "video", "1"),
    f"https://www.tiktok.com/@{'a' * 30}/video/{LARGEST}": ("a" * 30, "video", LARGEST),
}
SHORT = (
    "https://vm.tiktok.com/ZMabc123/",
    "https://vt.tiktok.com/ZSabc123",
    "vm.tiktok.com/ZMabc123?x=1",
    "https://www.tiktok.com/t/ZTabc123/",
    "https://tiktok.com/t/ZTabc123",
    "HTTPS://VM.TIKTOK.COM/ZMabc123/",
)
REFUSED = {
    "empty": "",
    "blanks": " ",
    "no URL": "goats",
    "an id": ID,
    "a handle": "@ada",
    "a profile": "https://www.tiktok.com/@ada",
    "no id": "https://www.tiktok.com/@ada/video/",
    "no handle": f"https://www.tiktok.com/@/video/{ID}",
    "no at": f"https://www.tiktok.com/ada/video/{ID}",
    "two ats": f"https://www.tiktok.com/@@ada/video/{ID}",
    "a handle of dots": f"https://www.tiktok.com/@../video/{ID}",
    "a long handle": f"https://www.tiktok.com/@{'a' * 31}/video/{ID}",
    "a path in the handle": f"https://www.tiktok.com/@a/b/video/{ID}",
    "an encoded handle": f"https://www.tiktok.com/@%61da/video/{ID}",
    "another kind": f"https://www.tiktok.com/@ada/live/{ID}",
    "more behind": f"https://www.tiktok.com/@ada/video/{ID}/comments",
    "a dot behind": f"https://www.tiktok.com/@ada/video/{ID}.html",
    "zero": "https://www.tiktok.com/@ada/video/0",
    "a zero before": f"https://www.tiktok.com/@ada/video/0{ID[1:]}",
    "a minus": f"https://www.tiktok.com/@ada/video/-{ID}",
    "hexadecimal": "https://www.tiktok.com/@ada/video/0x7f",
    "2^63": f"https://www.tiktok.com/@ada/video/{2**63}",
    "20 digits": "https://www.tiktok.com/@ada/video/" + "1" * 20,
    "30 digits": "https://www.tiktok.com/@ada/video/" + "9" * 30,
    "Arabic digits": "https://www.tiktok.com/@ada/video/\u0661\u0662\u0663",
    "fullwidth digits": "https://www.tiktok.com/@ada/video/\uff11\uff12\uff13",
    "a superscript": "https://www.tiktok.com/@ada/video/7\u00b2",
    "another host": f"https://www.example.com/@ada/video/{ID}",
    "a host that ends so": f"https://eviltiktok.com/@ada/video/{ID}",
    "a host that begins so": f"https://www.tiktok.com.evil.example/@ada/video/{ID}",
    "a subdomain": f"https://evil.tiktok.com/@ada/video/{ID}",
    "userinfo": f"https://www.tiktok.com@evil.example/@ada/video/{ID}",
    "userinfo before": f"https://ada:secret@www.tiktok.com/@ada/video/{ID}",
    "a port": f"https://www.tiktok.com:8080/@ada/video/{ID}",
    "a backslash": f"https:\\\\www.tiktok.com/@ada/video/{ID}",
    "another scheme": f"ftp://www.tiktok.com/@ada/video/{ID}",
    "a file": f"file:///@ada/video/{ID}",
    "javascript": f"javascript://www.tiktok.com/@ada/video/{ID}",
    "no scheme but slashes": f"//www.tiktok.com/@ada/video/{ID}",
    "our own network": f"http://127.0.0.1/@ada/video/{ID}",
    "a long s": f"https://www.tiktok.com/@ada\u017f/video/{ID}",
    "a dotless host": f"https://www.t\u0131ktok.com/@ada/video/{ID}",
    "a Kelvin sign": f"https://www.ti\u212atok.com/@ada/video/{ID}",
    "a full stop of its own": f"https://www.tiktok\u3002com/@ada/video/{ID}",
    "a line break": f"https://www.tiktok.com/@ada/video/{ID}\nHost: evil.example",
    "a line break in the query": f"https://www.tiktok.com/@ada/video/{ID}?a\nb",
    "a NUL": f"https://www.tiktok.com/@ada/video/{ID}\0",
    "SQL": f"https://www.tiktok.com/@ada/video/{ID}'; DROP TABLE videos; --",
    "very long": f"https://www.tiktok.com/@ada/video/{ID}?" + "a" * 2_048,
}


@pytest.mark.parametrize(("text", "named"), UNDERSTOOD.items())
def test_a_url_says_whose_video_it_is_of_which_kind_and_id(
    text: str, named: tuple[str, VideoKind, str]
):
    handle, kind, tiktok_video_id = named

    read = read_video_url(text)

    assert read == VideoUrl(handle=handle, kind=kind, tiktok_video_id=tiktok_video_id)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_whatever_else_is_refused(text: str):
    with pytest.raises(InvalidVideoUrlError, match="not the URL of a TikTok video"):
        read_video_url(text)


@pytest.mark.parametrize("text", SHORT)
def test_a_short_link_is_refused_with_what_to_do_instead(text: str):
    with pytest.raises(InvalidVideoUrlError, match="open it in a browser"):
        read_video_url(text)


def test_a_refusal_shows_only_the_beginning_of_a_long_text():
    with pytest.raises(InvalidVideoUrlError) as refused:
        read_video_url("goat" * 1_000)

    assert len(str(refused.value)) < 250


@given(
    st.from_regex(r"[a-z0-9_-]([a-z0-9._-]{0,28}[a-z0-9_-])?", fullmatch=True),
    st.sampled_from(["video", "photo"]),
    st.integers(1, 2**63 - 1),
)
def test_the_url_we_make_is_one_we_understand(handle: str, kind: VideoKind, id_: int):
    named = VideoUrl(handle=handle, kind=kind, tiktok_video_id=str(id_))

    url = video_url(handle=handle, kind=kind, tiktok_video_id=str(id_))

    assert read_video_url(url) == named


@given(st.text())
@example("0.")
def test_any_text_is_either_refused_or_plain_ascii(text: str):
    try:
        read = read_video_url(f"https://www.tiktok.com/@{text}/video/{ID}")
    except InvalidVideoUrlError:
        return
    assert read.handle.isascii()
    assert 0 < int(read.tiktok_video_id) < 2**63

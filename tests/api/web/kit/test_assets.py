"""Style sheets and scripts: kept for ever, compressed, and only those there are."""

import gzip
import re
from importlib.resources import files
from mimetypes import MimeTypes
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from litestar.types import Receive, Scope, Send

from api.http.request import Request, begin_request
from api.web.kit import assets
from api.web.kit.assets import Assets, MissingAssetsError
from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import a_watched_creator
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

STATIC = Path(str(files("api.web") / "static"))
# httpx would say that it takes it.
PLAIN = {"Accept-Encoding": "identity"}


def addresses(page: Element) -> list[str]:
    """Everything that a page has the browser fetch."""
    of_links = [link["href"] for link in page.all("link")]
    scripts = [script["src"] for script in page.all("script")]
    return of_links + scripts + [image["src"] for image in page.all("img")]


def test_what_a_page_names_is_there_for_ever_without_a_session(passer_by: Visitor):
    found = addresses(passer_by.see("/"))

    assert len(found) >= 4
    for address in found:
        answer = passer_by.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "set-cookie" not in answer.headers


def test_each_is_compressed_for_those_who_say_so(passer_by: Visitor):
    address = Assets.of_the_package().url("css/base.css")

    plain = passer_by.get(address, headers=PLAIN)
    packed = passer_by.get(address, headers={"Accept-Encoding": "br, gzip"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["Content-Length"]) < len(plain.content) / 2
    assert {plain.headers["Vary"], packed.headers["Vary"]} == {"Accept-Encoding"}


@pytest.mark.parametrize(
    ("name", "media_type"),
    (
        ("css/base.css", "text/css; charset=utf-8"),
        ("js/app.js", "text/javascript; charset=utf-8"),
        ("vendor/htmx.js", "text/javascript; charset=utf-8"),
        ("img/goat.svg", "image/svg+xml"),
    ),
)
def test_each_is_sent_as_what_it_is(passer_by: Visitor, name: str, media_type: str):
    answer = passer_by.get(Assets.of_the_package().url(name))

    assert answer.headers["Content-Type"] == media_type


def test_scripts_are_text_on_a_machine_without_a_table_of_types(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(assets, "guess_type", MimeTypes(filenames=()).guess_type)
    found = Assets({"js/a.js": b"let goats = 1;\n" * 99, "vendor/a.woff2": b"0" * 999})
    app = Litestar([found.route()], request_class=Request)

    async def begun(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            begin_request(scope)
        await app(scope, receive, send)

    with TestClient(begun) as client:
        script = client.get(found.url("js/a.js"))
        font = client.get(found.url("vendor/a.woff2"))

    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert script.headers["Content-Encoding"] == "gzip"
    assert font.headers["Content-Type"] == "font/woff2"


def test_nothing_but_what_readers_need_is_left_out_of_scripts_and_styles(
    passer_by: Visitor,
):
    sent = Assets.of_the_package()
    for script in (STATIC / "js").glob("*.js"):
        left = passer_by.get(sent.url(f"js/{script.name}")).text.splitlines()
        for line in script.read_text().splitlines():
            if left and left[0] == line.lstrip(" \t"):
                left.pop(0)
            else:
                # The comment of a function has several lines, which begin with a star.
                assert re.match(r"[ \t]*(//|/\*\*|\*)", line), (script.name, line)
        assert left == []
    for sheet in (STATIC / "css").glob("*.css"):
        text = passer_by.get(sent.url(f"css/{sheet.name}")).text
        rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        assert text.split() == closely(rules).split(), sheet.name


def closely(rules: str) -> str:
    """Style rules without the white space and the last semicolon that mean nothing."""
    rules = re.sub(r"\s*([{};])\s*", r"\1", rules).replace(";}", "}")
    return re.sub(r"([:,])\s+", r"\1", rules)


@pytest.mark.parametrize(
    "path",
    (
        "/assets/{digest}/css/none.css",
        "/assets/0000000000000000/css/base.css",
        "/assets/{digest}/",
        "/assets/{digest}",
        "/assets/{digest}/css",
        "/assets/{digest}/../../main.py",
        "/assets/{digest}/..%2f..%2fmain.py",
        "/assets/{digest}/%2e%2e/templates/base.html",
        "/assets/{digest}/css/base.css%00",
    ),
)
def test_nothing_else_is_there(passer_by: Visitor, path: str):
    path = path.format(digest=Assets.of_the_package().digest)

    answer = passer_by.get(path)

    assert answer.status_code in {400, 404}
    assert "immutable" not in answer.headers.get("Cache-Control", "")
    assert read(answer.text).one("h1").text


def test_a_change_of_one_file_moves_all():
    before = Assets({"a.js": b"1", "b.js": b"2"})

    assert before.url("b.js") == Assets({"b.js": b"2", "a.js": b"1"}).url("b.js")
    assert before.url("b.js") != Assets({"a.js": b"3", "b.js": b"2"}).url("b.js")
    # Nor can a byte wander from one into the other unnoticed.
    assert Assets({"a": b"b"}).digest != Assets({"ab": b""}).digest


def test_a_name_in_a_template_that_no_file_has_fails_at_once():
    with pytest.raises(KeyError):
        Assets.of_the_package().url("css/none.css")


def test_it_is_told_what_to_do_where_the_libraries_are_missing(
    monkeypatch: pytest.MonkeyPatch,
):
    def walk(*where: object) -> list[tuple[str, bytes]]:
        assert where
        return [("css/base.css", b"")]

    monkeypatch.setattr(assets, "_walk", walk)

    with pytest.raises(MissingAssetsError, match="make setup"):
        Assets.of_the_package()


def test_scripts_import_each_other_by_relative_paths_that_exist():
    static = assets.files("api.web") / "static" / "js"
    scripts = {script.name: script.read_text() for script in static.iterdir()}

    imported = [
        (name, path)
        for name, text in scripts.items()
        for path in re.findall(r'^import .*?"([^"]+)";', text, re.MULTILINE | re.DOTALL)
    ]

    for name, path in imported:
        assert (static / path).is_file(), f"{name} imports {path}"


def test_all_scripts_are_no_more_than_100_kb_compressed():
    static = assets.files("api.web") / "static"
    sizes = {
        script.name: len(gzip.compress(script.read_bytes(), 9))
        for folder in ("js", "vendor")
        for script in (static / folder).iterdir()
        if script.name.endswith(".js")
    }

    assert len(sizes) >= 3
    assert sum(sizes.values()) <= 100_000, sizes


def test_no_page_loads_more_than_60_kb_of_script(visitor: Visitor, home: Tenant):
    goat = a_watched_creator(home)
    packed = {"Accept-Encoding": "gzip"}
    assets = Assets.of_the_package()
    drawing = ("vendor/uplot.js", "js/chart.js", "js/drawing.js", "js/numbers.js")

    for path in ("/", "/creators", f"/creators/{goat.id}", "/inbox", "/compare"):
        answer = visitor.get(path)
        at = answer.headers.get("location", path)
        scripts = [one["src"] for one in visitor.see(at).all("script")]
        # charts.js loads these where a chart is in sight.
        if assets.url("js/charts.js") in scripts:
            scripts += map(assets.url, drawing)
        sizes = [
            int(visitor.get(script, headers=packed).headers["Content-Length"])
            for script in scripts
        ]
        assert 15_000 < sum(sizes) <= 60_000, path

"""/docs: pages to read about the API's operations and try them.

Swagger UI comes as files of an installed package. The pages refer to no other site, and
their policy forbids the browser to load anything from one.
"""

from functools import cache
from html import escape
from importlib.resources import files

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from api.http.errors import Code

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HTML = "text/html"
_A_DAY = "public, max-age=86400"
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_START = """\
const dark = matchMedia("(prefers-color-scheme: dark)");
const page = document.documentElement.classList;
const follow = () => page.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
{styles}<link rel="stylesheet" href="/docs/assets/docs.css">
</head>
<body>
<nav class="goatherd" aria-label="Goatherd">
<a href="/">Goatherd</a>
<a href="/docs">API documentation</a>
<a href="/docs/errors">Error codes</a>
</nav>
{body}
</body>
</html>
"""
_SWAGGER = '<link rel="stylesheet" href="/docs/assets/swagger-ui.css">\n'
_EXPLORER = """\
<div id="docs"></div>
<noscript>This page needs JavaScript; the same is at /api/v1/openapi.json.</noscript>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>"""


def docs_routes() -> list[HTTPRouteHandler]:
    explorer = _page(title="Goatherd API", body=_EXPLORER, styles=_SWAGGER)
    errors = _page(title="Goatherd API: errors", body=_errors())

    @get("/docs", opt={"scope": None}, include_in_schema=False)
    async def docs() -> Response[str]:
        return explorer

    @get("/docs/errors", opt={"scope": None}, include_in_schema=False)
    async def docs_errors() -> Response[str]:
        return errors

    @get(
        "/docs/assets/{name:str}",
        opt={"scope": None},
        include_in_schema=False,
        sync_to_thread=True,
    )
    def docs_asset(name: FromPath[str]) -> Response[bytes]:
        if name == "start.js":
            content, media_type = _START.encode(), "text/javascript"
        elif name == "docs.css":
            content, media_type = _style(), "text/css"
        elif name in _ASSETS:
            content, media_type = _asset(name), _ASSETS[name]
        else:
            raise NotFoundException
        return Response(
            content, media_type=media_type, headers={"Cache-Control": _A_DAY}
        )

    return [docs, docs_errors, docs_asset]


@cache
def _style() -> bytes:
    return (files("api.openapi") / "docs.css").read_bytes()


@cache
def _asset(name: str) -> bytes:
    # The package has one release, in a folder with its number.
    (release,) = (files("swagger_ui_bundle") / "vendor").iterdir()
    return (release / name).read_bytes()


def _page(*, title: str, body: str, styles: str = "") -> Response[str]:
    return Response(
        _PAGE.format(title=title, body=body, styles=styles),
        media_type=_HTML,
        headers={"Content-Security-Policy": _POLICY},
    )


def _errors() -> str:
    rows = "\n".join(
        f'<tr id="{code}"><td>{code.status}</td><td><code>{code}</code></td>'
        f"<td>{escape(code.meaning)}</td></tr>"
        for code in Code
    )
    return (
        '<main class="errors">\n'
        "<h1>Errors</h1>\n<p>Branch on <code>meta.code</code>; sentences may change."
        "</p>\n<table>\n<thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr>"
        f"</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</main>"
    )

"""audit.py: what osv.dev knows fails the check, and silence does not."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.kit.paths import ROOT


class _Service(BaseHTTPRequestHandler):
    """A vulnerability service in OSV's form."""

    vulnerable = ""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        queries = json.loads(self.rfile.read(length))["queries"]
        known = {"vulns": [{"id": "GOAT-1", "modified": "2026-01-01T00:00:00Z"}]}
        self._answer(
            {
                "results": [
                    known if one["package"]["name"] == self.vulnerable else {}
                    for one in queries
                ]
            }
        )

    def do_GET(self) -> None:
        self._answer(
            {"id": "GOAT-1", "modified": "2026-01-01T00:00:00Z", "summary": "It eats."}
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def service(vulnerable: str) -> Generator[str]:
    handler = type("_Chosen", (_Service,), {"vulnerable": vulnerable})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def audited(url: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, ROOT / "infra" / "setup" / "audit.py", "--service-url", url],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )
    return done.returncode, done.stderr


def test_a_known_vulnerability_fails_the_check_and_none_does_not():
    with service("msgspec") as url:
        bad = audited(url)
        if "does not answer" in bad[1]:
            pytest.skip("the index, from which uv knows packages, does not answer")
    with service("nothing") as url:
        well = audited(url)

    assert bad[0] == 1
    assert "msgspec" in bad[1]
    assert "GOAT-1" in bad[1]
    assert well == (0, "")


def test_where_nobody_answers_nothing_fails():
    status, said = audited("http://127.0.0.1:1/")

    assert status == 0
    assert "does not answer" in said

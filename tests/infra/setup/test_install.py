"""install.py: uv fetches from where pip is set to look, with the hashes of the lock."""

import hashlib
import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from tests.kit.paths import ROOT, module_of

SCRIPT = ROOT / "infra" / "setup" / "install.py"
WHEEL = "gruff_bell-1.0-py3-none-any.whl"
_METADATA = "Metadata-Version: 2.1\nName: gruff-bell\nVersion: 1.0\n"
_WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def install() -> ModuleType:
    return module_of(SCRIPT)


# An archive has the time at which it was made, and so another digest each time.
@cache
def wheel() -> bytes:
    """A package with one module and nothing else."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("gruff_bell.py", "SOUND = 'ding'\n")
        file.writestr("gruff_bell-1.0.dist-info/METADATA", _METADATA)
        file.writestr("gruff_bell-1.0.dist-info/WHEEL", _WHEEL)
        file.writestr("gruff_bell-1.0.dist-info/RECORD", b"gruff_bell.py,,\n")
    return made.getvalue()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """The address of a package index that has this one package."""
    folder = tmp_path / "index"
    place = folder / "simple" / "gruff-bell"
    place.mkdir(parents=True)
    (place / WHEEL).write_bytes(wheel())
    (place / "index.html").write_text(f'<a href="{WHEEL}">{WHEEL}</a>')
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which nobody has set anything for pip or uv; returns its home."""
    for name in [*os.environ]:
        if name.startswith(("PIP_", "UV_", "XDG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("how", ("variable", "file"))
def test_packages_come_from_the_index_that_pip_is_set_to(
    install: ModuleType,
    bare: Path,
    index: str,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
):
    if how == "variable":
        monkeypatch.setenv("PIP_INDEX_URL", index)
    else:
        file = bare / "pip.conf"
        file.write_text(f"[global]\nindex-url = {index}\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    lock, target = bare / "lock", bare / "venv"
    digest = hashlib.sha256(wheel()).hexdigest()
    subprocess.run([sys.executable, "-m", "uv", "venv", "-q", target], check=True)
    environment = install.uv_environment(os.environ, install.pip_settings())
    command = install.uv_install(
        "--require-hashes", "--requirement", lock, python=str(target)
    )

    lock.write_text(f"gruff-bell==1.0 --hash=sha256:{'0' * 64}\n")
    wrong = subprocess.run(command, env=environment, capture_output=True, check=False)
    lock.write_text(f"gruff-bell==1.0 --hash=sha256:{digest}\n")
    right = subprocess.run(command, env=environment, capture_output=True, check=False)

    assert wrong.returncode != 0
    assert b"ash mismatch" in wrong.stderr
    assert right.returncode == 0, right.stderr
    assert list(target.glob("lib/python*/site-packages/gruff_bell.py"))


def test_what_pip_is_told_in_several_places_uv_is_told_once(
    install: ModuleType, bare: Path, monkeypatch: pytest.MonkeyPatch
):
    file = bare / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://global.example/\n"
        "extra-index-url =\n    https://one.example/\n    https://two.example/\n"
        "trusted-host = one.example\ncert = /etc/a.pem\n"
        "[install]\nfind-links = /wheels\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable.example/")

    environment = install.uv_environment(
        {"UV_FIND_LINKS": "/mine", "HOME": str(bare)}, install.pip_settings()
    )

    assert environment == {
        "HOME": str(bare),
        "UV_DEFAULT_INDEX": "https://variable.example/",
        "UV_INDEX": "https://one.example/ https://two.example/",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "one.example",
        "SSL_CERT_FILE": "/etc/a.pem",
        # Settings of uv itself stay.
        "UV_FIND_LINKS": "/mine",
    }

"""The page of integrity: roots, and a check of the log with its progress."""

import json

import msgspec
import pytest

from application.integrity import requested_check
from application.integrity.requested_check import run_requested_check
from application.integrity.signing import InstallationSigner
from domain.integrity.roots import PublicRoot, text_hash
from domain.streams import INSTALLATION
from tests.kit.application import Tenant, data_of, settings_for
from tests.kit.visitor import Visitor

PAGE = "/system/integrity"


def run_check(home: Tenant) -> bool:
    """Do as the dispatcher does."""
    store = home.goatherd.store
    signer = InstallationSigner(store.pool, settings_for(home.goatherd.url))
    return run_requested_check(
        home.goatherd.url, home.goatherd.store.pool, signer, progress=None
    )


def test_a_root_is_signed_and_shown(home: Tenant, visitor: Visitor):
    answer = visitor.submit(visitor.see(PAGE), f"{PAGE}/roots")

    assert answer.headers["Location"] == PAGE
    root = home.goatherd.log(INSTALLATION)[-1].event
    page = visitor.see(PAGE)
    assert f"A root at position {root.position:,} was signed." in page.text  # pyright: ignore[reportAttributeAccessIssue]
    assert f"streams up to position {root.position:,}" in page.text  # pyright: ignore[reportAttributeAccessIssue]


def test_the_log_is_checked_in_another_process_with_its_progress(
    home: Tenant, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    home.post("/admin/roots")
    # Other tests request checks of the same log.
    run_check(home)
    assert not run_check(home)

    visitor.submit(visitor.see(PAGE), f"{PAGE}/check")

    waiting = visitor.see(PAGE).one("section", id="check")
    assert waiting["hx-trigger"] == "every 2s"
    assert "goatherd dispatch begins" in waiting.text
    again = data_of(home.post("/admin/log-check"), status=202)
    assert again["state"] == "requested"
    verify = requested_check.verify

    def look_meanwhile(*given: object, **options: object) -> object:
        running = visitor.see(PAGE).one("section", id="check")
        assert "0 %" in running.text
        assert not run_check(home)
        return verify(*given, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(requested_check, "verify", look_meanwhile)
    assert run_check(home)
    done = visitor.see(PAGE).one("section", id="check")
    assert "all fits" in done.text, json.dumps(data_of(home.get("/admin/log-check")))
    assert not run_check(home)
    state = data_of(home.get("/admin/log-check"))
    assert state["state"] == "finished"
    assert state["result"]["misfits"] == []


def test_what_does_not_fit_is_shown(home: Tenant, visitor: Visitor):
    home.post("/admin/log-check")
    assert run_check(home)
    misfit = {"position": 1234, "how": "changed", "text": "Its digest is <wrong>."}
    result = {"after": 0, "head": 5, "under_root": 0, "events": 5, "roots": 0}
    home.goatherd.query(
        "UPDATE log_check SET result = %s",
        json.dumps({**result, "misfits": [misfit]}),
    )

    shown = visitor.see(PAGE).one("section", id="check").text

    assert "it is not" in shown
    assert "as it was signed" not in shown
    assert "Position 1,234: changed. Its digest is <wrong>." in shown


def test_a_creators_proof_is_a_file(home: Tenant, visitor: Visitor):
    creator = home.add("proven.goat")
    home.post("/admin/roots")
    home.goatherd.catch_up()

    page = visitor.see(f"/creators/{creator['id']}/settings")
    path = f"/creators/{creator['id']}/proof.json"
    assert [form["action"] for form in page.all("form") if "proof" in form["action"]]
    answer = visitor.ask("GET", f"{path}?root=")
    name = answer.json()["data"]["root"]
    kept = text_hash(msgspec.convert(name, PublicRoot))
    led = visitor.ask("GET", f"{path}?root={kept}")
    assert led.json()["data"]["kept"]["root"] == name

    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.json()["data"]["creator_id"] == creator["id"]


def test_a_creators_personal_data_is_a_file(home: Tenant, visitor: Visitor):
    creator = home.add("asking.goat")
    home.goatherd.catch_up()

    page = visitor.see(f"/creators/{creator['id']}/settings")
    (link,) = [a for a in page.all("a") if "personal-data.json" in a["href"]]
    answer = visitor.ask("GET", link["href"])

    disposition = f'attachment; filename="personal-data-{creator["id"]}.json"'
    assert answer.headers["Content-Disposition"] == disposition
    assert answer.json()["data"]["creator"]["id"] == creator["id"]

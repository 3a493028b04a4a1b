"""Make the dump of a database as commit 46ccd1a left it, and its answers.

Run once, against a checkout of that commit on which ``make setup`` was run::

    git worktree add ../46ccd1a 46ccd1a && make -C ../46ccd1a setup
    .venv/bin/python -m tests.upgrade.make_dump ../46ccd1a

Everything in it was done by that version's own commands, processes and API. Two things
are set by hand at the end, so that they have not run out when the test comes to them:
how long a link for signing in holds, and the age of a repeatable request.
"""

import gzip
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg

from infra.embedded import EmbeddedPostgres, EmbeddedValkey
from infra.embedded.binaries import postgres_binaries
from tests.kit.ports import free_port
from tests.upgrade.answers import (
    ABOUT,
    ANSWERS,
    DATABASE,
    About,
    Answer,
    Repeatable,
    parsed,
)
from tests.upgrade.checkout import Checkout, Client, wait_for
from tests.upgrade.questions import Ids, commands, few_questions, questions
from tests.upgrade.recording import write_imported, write_scraped

# The projections of `goatherd dispatch`, which is stopped while answers are recorded.
_RUN_BY_DISPATCH = frozenset(
    {
        *("creator_identities", "scrape_jobs", "verdict_streaks", "known_videos"),
        *("schedule", "list_turns", "alert_touches", "report_touches"),
    }
)
_HANDLES = (
    *("alpine-ann", "bell-and-brook", "cliff-hopper", "dusty-hoof"),
    *("echo-of-the-alm", "fern-and-fleece", "gone-private", "hay-barn-hal"),
    "ibex-impostor",
)
_README = "# Alpine Ann\n\nClimbs *everything*. \N{GOAT}\n\n* bells\n* cheese\n"
# Statuses that stay the same at any time: a refusal of now may be none later.
_FOREVER = {200, 400, 404, 410}
# Recorded seconds in one: the two months take 30 seconds.
_SPEED = 172_800
_NEVER_RUN_OUT = """
UPDATE sign_in_links SET expires_at = '2999-01-01';
UPDATE idempotency SET created_at = '2999-01-01';
"""
# Lines of psql, or of servers newer than the oldest one that Goatherd knows.
_ONLY_PSQL = re.compile(r"^(\\.*|SET transaction_timeout.*)\n", re.MULTILINE)


class Story:
    """The history of the database, one request or command after the other."""

    def __init__(self, checkout: Checkout, url: str, *, folder: Path) -> None:
        self.checkout = checkout
        self.url = url
        self.folder = folder
        self.home = Client(url, "")
        self.other = Client(url, "")
        self.creators: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.project = self.second_project = ""
        self.other_organization = self.other_project = self.organization = ""
        self.other_creators: list[str] = []
        self.repeatable: Repeatable | None = None
        self.middle = 0

    def begin(self) -> None:
        """Set up two organizations and their creators, while everything runs."""
        self.keys["home"] = (self.folder / "data" / "api-key").read_text().strip()
        self.home = Client(self.url, self.keys["home"])
        self.organization = self.home.data("GET", "/organization")["id"]
        self.project = self.home.data("GET", "/projects")[0]["id"]
        self.second_project = self.home.data("POST", "/projects", {"name": "Alps"})[
            "id"
        ]
        self.home.data(
            "PATCH",
            f"/projects/{self.second_project}",
            {"name": "The Alps", "description": "All that is <high> up."},
        )
        made = self.checkout.document(
            *("orgs", "create", "Zweite Herde", "--plan", "ultra"),
            *("--time-zone", "Europe/Vienna"),
        )
        self.other_organization = made["org_id"]
        self.other_project = made["project_id"]
        self.keys["other"] = made["api_key"]
        self.other = Client(self.url, made["api_key"])
        self.other.data(
            "PATCH", "/organization", {"name": "Second", "video_stats_hours": 12}
        )
        for handle in _HANDLES:
            self.add(handle)
        for handle in ("bell-and-brook", "kid-b"):
            path = f"/projects/{self.other_project}/creators"
            sent = {"tiktok_handle": handle, "tracking_start_date": None}
            self.other_creators.append(self.other.data("POST", path, sent)["id"])
        self.make_keys()
        self.checkout.run("bans", "add", "banned-goat", "--reason", "Bites.")
        self.home.ask("PUT", "/api/v1/admin/bans/second-banned", {})
        self.home.ask("DELETE", "/api/v1/admin/bans/second-banned")
        self.checkout.run("bans", "add", "third-banned")

    def add(self, handle: str) -> None:
        settings: dict[str, dict[str, Any]] = {
            "alpine-ann": {
                "readme": _README,
                "metadata": {"tags": ["goat", None, 1.5]},
            },
            "bell-and-brook": {"tracking_start_date": "2026-09-05"},
            "cliff-hopper": {"tracking_mode": "selective"},
        }
        sent = {"tiktok_handle": f"@{handle}", "tracking_start_date": None}
        sent |= settings.get(handle, {})
        path = f"/projects/{self.project}/creators"
        self.creators[handle] = self.home.data("POST", path, sent)["id"]

    def make_keys(self) -> None:
        keys = self.home.data(
            "POST", "/api-keys", {"name": "Reader", "scopes": ["read"]}
        )
        self.keys["reader"] = keys["api_key"]
        revoked = self.home.data(
            "POST", "/api-keys", {"name": "Lost", "scopes": ["read", "write"]}
        )
        self.keys["revoked"] = revoked["api_key"]
        self.home.data("DELETE", f"/api-keys/{revoked['id']}")
        self.checkout.run(
            *("keys", "create", "--org", self.organization, "--name", "Far away"),
            *("--scope", "admin", "--expires-at", "2999-12-31"),
        )

    def scrape(self) -> None:
        """Let runs happen over two months of the recording."""
        self.settle()
        for job_type in ("creator_profiles", "discover_videos", "video_stats"):
            for handle in _HANDLES[:5]:
                self.request_run(self.creators[handle], job_type)
            self.settle()
        self.change_creators()
        for _ in range(4):
            for creator in (*self.creators.values(),):
                self.request_run(creator, "discover_videos")
                self.request_run(creator, "creator_profiles")
            for creator in self.other_creators:
                self.other.data(
                    "POST",
                    f"/creators/{creator}/scrape",
                    {"job_type": "discover_videos"},
                )
            self.settle()
        self.retry_failed()
        self.settle()

    def request_run(self, creator: str, job_type: str) -> str | None:
        """Ask for a run; removed and disabled creators refuse."""
        answer = self.home.ask(
            "POST", f"/api/v1/creators/{creator}/scrape", {"job_type": job_type}
        )
        return answer.json()["data"]["scrape_id"] if answer.is_success else None

    def change_creators(self) -> None:
        creators = self.creators
        self.home.data(
            "PATCH",
            f"/creators/{creators['alpine-ann']}",
            {
                "description": "Found at the fair.",
                "display_name": "Ann of the Alps",
                "tracking_end_date": "2026-12-24",
            },
        )
        changed = self.home.data(
            "PATCH",
            f"/creators/{creators['alpine-ann']}",
            {"tiktok_handle": "alpine-anna", "readme": _README + "* milk\n"},
        )
        self.middle = changed["version"]
        self.home.data("DELETE", f"/creators/{creators['dusty-hoof']}")
        self.home.data("DELETE", f"/creators/{creators['echo-of-the-alm']}")
        self.add("echo-of-the-alm")
        self.home.data(
            "PATCH",
            f"/creators/{creators['bell-and-brook']}",
            {"tracking_start_date": "2026-09-20"},
        )
        self.home.data(
            "PATCH",
            f"/creators/{creators['bell-and-brook']}",
            {"tracking_start_date": "2026-08-28", "metadata": {"price": 12.50}},
        )

    def retry_failed(self) -> None:
        """Let a creator that nobody has be disabled, re-enabled and fail once more."""
        creator = self.creators["fern-and-fleece"]
        path = f"/creators/{creator}"
        wait_for(
            "a disabled creator",
            lambda: self.home.data("GET", path)["status"] == "disabled",
        )
        self.home.data(
            "POST",
            f"/projects/{self.project}/creators/bulk-reenable",
            {"creator_ids": [creator]},
        )
        self.settle()
        failed = self.home.data("GET", f"{path}/scrapes")[0]["id"]
        self.home.data("POST", f"/scrapes/{failed}/retry")

    def settle(self) -> None:
        """Wait until nothing but what failed for a while is still to be done."""

        def is_done() -> bool:
            counts = [c.data("GET", "/scrapes/counts") for c in (self.home, self.other)]
            open_runs = [c["queued"] + c["running"] - c["retrying"] for c in counts]
            states = self.checkout.document("projections")
            with psycopg.connect(self.checkout_url) as connection:
                due = connection.execute("SELECT count(*) FROM video_due").fetchall()
            lags = [state["lag_events"] for state in states]
            return not any([*open_runs, *lags, due[0][0]])

        wait_for("everything to be done", is_done)

    def has_job(self, scrape: str) -> bool:
        answer = self.home.ask("GET", f"/api/v1/scrapes/{scrape}")
        return (
            answer.is_success and answer.json()["data"]["next_attempt_at"] is not None
        )

    def settle_followers(self, *, but: frozenset[str] = frozenset()) -> None:
        """Wait until the projections have applied the whole log."""

        def is_done() -> bool:
            states = self.checkout.document("projections")
            return all(s["lag_events"] == 0 for s in states if s["name"] not in but)

        wait_for("the projections", is_done)

    @property
    def checkout_url(self) -> str:
        return self.checkout.settings["database_url"]

    def review(self) -> None:
        """Decide about videos in every way there is."""
        inbox = self.home.data("GET", f"/projects/{self.project}/inbox")
        assert len(inbox) > 5
        videos = [video["id"] for video in inbox]
        for decision, some in (
            ("include", videos[:3]),
            ("exclude", videos[3:5]),
            ("put_back", videos[2:4]),
        ):
            self.home.data(
                "POST",
                f"/projects/{self.project}/inbox/review",
                {"decisions": [{"video_id": v, "decision": decision} for v in some]},
            )
        of = f"/videos?creator_id={self.creators['alpine-ann']}"
        tracked = [video["id"] for video in self.home.data("GET", of)]
        self.home.data("DELETE", f"/videos/{tracked[0]}")
        self.home.data("POST", f"/videos/{tracked[1]}/tracking-disable")
        self.home.data(
            "PATCH",
            f"/videos/{tracked[2]}",
            {
                "description": "The best.",
                "readme": "See *there*.",
                "metadata": {"n": 1},
            },
        )
        for name, project in (("alpine-anna", self.project), ("kid-b", "")):
            client = self.home if project else self.other
            url = f"https://www.tiktok.com/@{name}/video/7460000000000777001"
            path = f"/projects/{project or self.other_project}/videos"
            client.data("POST", path, {"url": url})

    def repeat(self) -> None:
        """Send a request that may be sent again."""
        path = f"/api/v1/projects/{self.project}/creators"
        sent = {"tiktok_handle": "lone-llama", "tracking_start_date": None}
        answer = self.home.ask("POST", path, sent, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 201, answer.text
        self.creators["lone-llama"] = answer.json()["data"]["id"]
        self.repeatable = Repeatable(
            path=path,
            json=sent,
            idempotency_key="once",
            status=answer.status_code,
            answer=answer.json()["data"],
        )

    def import_old_runs(self, handle: str, number: int) -> None:
        path = self.folder / f"{handle}.jsonl"
        write_imported(path, handle=handle, number=number)
        self.checkout.run(
            *("import", "--project", self.second_project, "--create-creators"),
            str(path),
        )

    def find_imported(self) -> None:
        for creator in self.home.data("GET", "/creators?status=all&limit=100"):
            if creator["project_id"] == self.second_project:
                self.creators[creator["tiktok_handle"]] = creator["id"]

    def go_on_unfollowed(self) -> None:
        """Append some more events that no projection applies before the dump."""
        creators = self.creators
        self.import_old_runs("juniper-jack", 20)
        self.import_old_runs("moor-muncher", 21)
        self.home.data(
            "PATCH",
            f"/creators/{creators['cliff-hopper']}",
            {"description": "Hops.", "tracking_mode": "auto"},
        )
        self.home.data("DELETE", f"/creators/{creators['gone-private']}")
        video = self.home.data("GET", f"/projects/{self.project}/inbox")[0]["id"]
        self.home.data(
            "POST",
            f"/projects/{self.project}/inbox/review",
            {"decisions": [{"video_id": video, "decision": "include"}]},
        )
        self.checkout.run("bans", "add", "late-banned")
        self.home.data("PATCH", "/organization", {"name": "Home of goats"})


def main() -> None:
    """Make the dump and the answers anew."""
    checkout_path = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="goatherd-dump-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with servers(folder) as (database_url, redis_url):
            _make(checkout_path, folder, database_url=database_url, redis_url=redis_url)


@contextmanager
def servers(folder: Path) -> Iterator[tuple[str, str]]:
    postgres, valkey = EmbeddedPostgres(folder), EmbeddedValkey(folder)
    try:
        yield postgres.start(), valkey.start()
    finally:
        valkey.stop()
        postgres.stop()


def _make(
    checkout_path: Path, folder: Path, *, database_url: str, redis_url: str
) -> None:
    write_scraped(folder / "scraped.jsonl")
    port = free_port()
    settings = {
        "database_url": database_url,
        "redis_url": redis_url,
        "data_dir": str(folder / "data"),
        "port": str(port),
        "providers": "replay",
        "recordings": str(folder / "scraped.jsonl"),
        "replay_speed": str(_SPEED),
    }
    checkout = Checkout(checkout_path, folder=folder, settings=settings)
    story = Story(checkout, f"http://127.0.0.1:{port}", folder=folder)
    with checkout.running("up") as output:
        wait_for("up", lambda: "Goatherd is ready" in output.read_text())
        link = re.search(r"/sign-in/\S+", output.read_text())
        assert link is not None
        story.begin()
        story.scrape()
        story.review()
        story.repeat()
        story.import_old_runs("juniper-jack", 19)
        story.settle()
        story.find_imported()
    secret = (folder / "data" / "secret").read_text().strip()
    checkout.settings["secret"] = secret
    with ExitStack() as stack:
        stack.enter_context(checkout.running("serve"))
        wait_for("serve", lambda: _is_live(story))
        with checkout.running("project"), checkout.running("dispatch"):
            waiting = story.request_run(story.creators["alpine-ann"], "video_stats")
            assert waiting is not None
            wait_for("a job", lambda: story.has_job(waiting))
            story.settle_followers()
        checkout.run("rebuild", "videos")
        checkout.run("rebuild", "analytics", "--baseline-rule", "first_snapshot")
        checkout.run("rebuild", "creator_list", "--dry-run")
        story.go_on_unfollowed()
        with psycopg.connect(database_url) as connection:
            connection.execute(_NEVER_RUN_OUT)
        states = checkout.document("projections")
        checkpoints = {state["name"]: state["position"] for state in states}
        dump(database_url, DATABASE)
        with checkout.running("project"):
            story.settle_followers(but=_RUN_BY_DISPATCH)
            answers = list(_answers(story))
    ANSWERS.write_bytes(_packed(msgspec.json.Encoder().encode_lines(answers)))
    assert story.repeatable is not None
    ABOUT.write_bytes(
        msgspec.json.format(
            msgspec.json.encode(
                About(
                    secret=secret,
                    keys=story.keys,
                    sign_in_path=link[0],
                    repeatable=story.repeatable,
                    checkpoints=checkpoints,
                    head=states[0]["head"],
                    dry_run="creator_list",
                    rolled_back="videos",
                    waiting_scrape=waiting,
                )
            )
        )
        + b"\n"
    )


def _is_live(story: Story) -> bool:
    try:
        return story.home.ask("GET", "/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def dump(database_url: str, into: Path) -> None:
    program = postgres_binaries(account=None).postgres.with_name("pg_dump")
    dumped = subprocess.run(
        # As INSERTs, which any client can carry out.
        [program, "--no-owner", "--rows-per-insert=500", database_url],
        capture_output=True,
        check=True,
        text=True,
    )
    text = _ONLY_PSQL.sub("", dumped.stdout)
    into.parent.mkdir(exist_ok=True)
    into.write_bytes(_packed(text.encode()))


def _packed(content: bytes) -> bytes:
    # Without a time, so that the same content is the same file.
    return gzip.compress(content, compresslevel=9, mtime=0)


def _answers(story: Story) -> Iterator[Answer]:
    for key, client, paths in (
        ("home", story.home, questions(_ids(story))),
        ("other", story.other, few_questions(_other_ids(story))),
    ):
        for question in paths:
            answer = client.ask("GET", question)
            assert answer.status_code in _FOREVER, f"{question}: {answer.text}"
            yield Answer(
                question=question,
                key=key,
                status=answer.status_code,
                etag=answer.headers.get("ETag"),
                answer=parsed(answer.text),
            )
    for command in commands(
        story.organization, story.second_project, story.other_organization
    ):
        written = story.checkout.run(*command.split())
        yield Answer(question=command, answer=parsed(written))


def _ids(story: Story) -> Ids:
    home = story.home
    creators = [*story.creators.values()]
    videos = home.data("GET", f"/videos?creator_id={creators[0]}")
    videos += home.data("GET", f"/videos?creator_id={creators[2]}")
    history = home.data("GET", f"/creators/{creators[0]}/history?limit=100")
    positions = sorted(entry["position"] for entry in history)
    return Ids(
        projects=[story.project, story.second_project],
        creators=creators,
        videos=[video["id"] for video in videos],
        scrapes=[run["id"] for run in home.data("GET", "/scrapes?limit=12")],
        positions=[positions[1], positions[-2]],
        recorded_at=history[len(history) // 2]["recorded_at"].replace("+00:00", "Z"),
    )


def _other_ids(story: Story) -> Ids:
    return Ids(
        projects=[story.other_project],
        creators=story.other_creators,
        videos=[],
        scrapes=[],
        positions=[],
        recorded_at="",
    )


if __name__ == "__main__":
    main()

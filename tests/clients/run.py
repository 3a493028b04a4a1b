"""Clients from the document of a Goatherd that runs, and ten tasks with one of them.

``make clients`` runs it; it takes three minutes. The first time it needs package
indexes.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx
from msgspec.structs import replace

from tests.clients.generated import WHOLE, failed_steps
from tests.kit.application import BASE
from tests.kit.command_line import running
from tests.kit.ports import free_port
from tests.tools.many_creators import observations
from workers.sources.recordings.file_format import encode_observations

CREATORS = range(1, 4)


def write_recording(path: Path) -> None:
    """Write one day of creators ``goat.00001`` and so on, to be replayed."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    path.write_bytes(
        encode_observations(
            [
                replace(
                    line,
                    handle=line.handle.replace("-", "."),
                    observed_at=line.observed_at.replace(microsecond=0),
                )
                for number in CREATORS
                for line in observations(number, midnight=today, days=range(1))
            ]
        )
    )


def main() -> int:
    """Run every step against a new installation; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="goatherd-clients-", dir="/tmp") as place:
        folder = Path(place)
        # PostgreSQL runs as another account where this one is root.
        folder.chmod(0o711)
        write_recording(folder / "recording.jsonl")
        settings: dict[str, object] = {
            "data_dir": folder / "data",
            "port": free_port(),
            "providers": "replay",
            "recordings": folder / "recording.jsonl",
            "webhook_allowed_hosts": "127.0.0.1",
        }
        address = f"http://127.0.0.1:{settings['port']}"
        with running("up", settings=settings, folder=folder) as up:
            assert up.says("Goatherd is ready"), up.err
            key = (folder / "data" / "api-key").read_text().strip()
            document = httpx.get(f"{address}{BASE}/openapi.json?media=json")
            failed = failed_steps(
                document.raise_for_status().content,
                WHOLE,
                {"GOATHERD_ADDRESS": address, "GOATHERD_KEY": key},
            )
    sys.stdout.write(f"Failed: {', '.join(failed) or 'no step'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

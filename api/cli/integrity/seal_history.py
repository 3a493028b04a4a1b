"""``goatherd seal-history``: seals data that earlier releases stored in the clear."""

from msgspec.structs import replace

from api.cli import CommandError
from api.cli.kit.databases import cli_context, connected, opened_store, served_database
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, progress_bar
from application.integrity.log import head_of
from application.integrity.seal_history import (
    clear_history,
    others_at_work,
    seal_all,
)
from domain.integrity.sealing_note import note_hash


def seal_history(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Seal personal data in the event log that earlier releases stored in the clear.

    Goatherd must not run meanwhile. The command is needed once; after an interruption a
    second run continues. Earlier backups still hold the log in the clear.
    """
    settings = read_settings(data_dir=data_dir)
    with served_database(settings) as url:
        settings = replace(settings, database_url=url)
        with connected(url) as connection:
            if clear_history(connection) is None:
                _print_nothing(json=json)
                return
            if others := others_at_work(connection):
                raise CommandError(
                    f"Goatherd runs ({', '.join(sorted(others))}): stop it first, so "
                    "that nothing reads the log while it is rewritten."
                )
            head = head_of(connection)
        with (
            opened_store(settings) as store,
            connected(url) as connection,
            progress_bar("Sealing", total=head) as advance,
        ):
            note = seal_all(store, connection, advance=advance, context=cli_context())
    if json:
        print_json(
            {
                "events": note.events,
                "position": note.position,
                "hash": note_hash(note),
            }
        )
        return
    print(
        f"Sealed: {note.events} events up to position {note.position} were rewritten."
    )
    print(f"The hash of its note is {note_hash(note)}.")
    print(
        "Send the hash to everybody who keeps an earlier root: `goatherd verify "
        "--against FILE --accept-sealing HASH` needs it."
    )
    print("Earlier backups still hold the data in the clear: delete these in time.")


def _print_nothing(*, json: bool) -> None:
    if json:
        print_json({"events": 0, "position": None, "hash": None})
        return
    print("Nothing in the log is stored in the clear.")

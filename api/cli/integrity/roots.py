"""``goatherd roots``: signed roots, each of which fixes the log up to a position."""

from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, print_table
from application.integrity.log import recorded_roots
from application.integrity.make_root import make_root
from application.integrity.signing import InstallationSigner
from domain.integrity.roots import SignedRoot, text_hash


def make(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Sign a root of the present log, and print it.

    Keep the output of --json where nobody who operates this installation can change it,
    for example in a mail or in somebody else's repository: `goatherd verify --against`
    compares the log with it. Goatherd also makes a root every day.
    """
    settings = read_settings(data_dir=data_dir)
    with opened_store(settings) as store:
        signer = InstallationSigner(store.pool, settings).open()
        root = make_root(store, signer, context=cli_context()).result
    assert root is not None
    if json:
        print_json(SignedRoot.of(root))
        return
    print(f"Signed a root of {root.streams} streams at position {root.position}:")
    print(text_hash(root))


def list_roots(*, data_dir: DataDir = None, json: Json = False) -> None:
    """List all roots, oldest first."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        recorded = recorded_roots(connection)
    if json:
        print_json([SignedRoot.of(each.root) for each in recorded])
        return
    print_table(
        ("signed", "position", "streams", "hash"),
        (
            (
                f"{each.root.signed_at:%Y-%m-%d %H:%M}",
                each.root.position,
                each.root.streams,
                text_hash(each.root),
            )
            for each in recorded
        ),
    )

"""``goatherd export proof``: a creator's events, to be checked elsewhere."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
from cyclopts import Parameter

from api.cli.integrity.kept_root import read_kept_root
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import fitting, opened_store
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from api.cli.kit.whole_file import check_file, whole_file
from application.integrity.make_proof import make_proof
from application.integrity.signing import InstallationSigner
from domain.integrity.roots import text_hash
from domain.phrases import counted
from projections.creator_streams import streams_of_creator


def proof(
    *,
    creator: Annotated[UUID, Parameter(help="The id of the creator.")],
    output: Annotated[Path, Parameter(help="The file to write.")],
    root: Annotated[
        Path | None,
        Parameter(help="A root that somebody kept; the proof leads to it as well."),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Export all stored events of a creator, with the hashes up to the newest root.

    docs/verify.py checks the proof on a machine without Goatherd. The proof has the
    streams of the creator and of their videos and scrapes.
    """
    check_file(output)
    kept = None if root is None else text_hash(read_kept_root(root))
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        wait_until_caught_up(connection, "videos", "scrape_runs", what="the proof is")
        streams = streams_of_creator(connection, creator)
    with opened_store(settings) as store:
        signer = InstallationSigner(store.pool, settings).open()
        made = make_proof(store.pool, signer, creator, streams, kept=kept)
    with whole_file(output) as file:
        file.write(msgspec.json.encode(made) + b"\n")
    events = sum(len(each.events) for each in made.streams)
    if json:
        print_json({"streams": len(made.streams), "events": events, "file": output})
        return
    print(
        f"Wrote {counted(events, 'event')} of {counted(len(made.streams), 'stream')} "
        f"to {output}, under the root of {made.root.signed_at}."
    )

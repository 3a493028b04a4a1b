"""``goatherd keys rotate-signing``: a new key to sign roots with."""

from api.cli.kit.databases import cli_context, opened_store
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from application.integrity.rotate_key import rotate_signing_key
from application.integrity.signing import Signer
from infra.keys.opened import opened_keys


def rotate_signing(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Sign roots with a new key from now on; Goatherd may run meanwhile.

    The old key and the new one both sign the change, which is recorded, and a root is
    signed with the new one. Signatures of the old key stay valid.
    """
    settings = read_settings(data_dir=data_dir)
    with opened_store(settings) as store:
        with store.pool.connection() as connection:
            master_key, keys = opened_keys(settings, connection)
        done = rotate_signing_key(
            store, Signer(keys.signing), master_key, context=cli_context()
        )
    if json:
        print_json(
            {
                "old_key": done.old_key,
                "new_key": done.new_key,
                "rotated_at": done.rotated_at,
            }
        )
        return
    print(f"Roots are signed with {done.new_key} from now on.")
    print(
        f"Signatures by {done.old_key} stay valid. Earlier backups of keys do not "
        "have the new key: make another backup."
    )

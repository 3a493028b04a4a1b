"""A root that was kept in a file, in the format of HTTP or of the command line."""

from pathlib import Path
from typing import Any

import msgspec

from api.cli import CommandError
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot
from domain.integrity.soundness import is_sound


def read_kept_root(path: Path) -> RootSigned | PublicRoot:
    """Return the root in a file.

    Raises:
        CommandError: the file holds no root.
    """
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        document = document.get("data", document)
        is_whole = "position" in document
        root = msgspec.convert(document, RootSigned if is_whole else PublicRoot)
    except (msgspec.MsgspecError, TypeError) as error:
        raise CommandError(f"{path} holds no root: {error}") from error
    if isinstance(root, RootSigned) and not is_sound(root):
        raise CommandError(f"{path} holds no root: its time or a position cannot be.")
    return root

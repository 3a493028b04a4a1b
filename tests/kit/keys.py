"""The master key of the tests' databases."""

import psycopg

from infra.keys.installation_keys import open_installation_keys
from infra.keys.master_key import MasterKey
from infra.settings import Settings

MASTER_KEY_TEXT = "Z29hdHMgb24gYSBtb3VudGFpbiwgYWxsIGFsb25lLi4="
SETTINGS = Settings(master_key=MASTER_KEY_TEXT, providers=("replay",))
MASTER_KEY = MasterKey.from_text(MASTER_KEY_TEXT, source="the tests' master key")


def make_keys(url: str) -> None:
    """Make the keys of the installation whose database is at ``url``."""
    with psycopg.connect(url, autocommit=True) as connection:
        open_installation_keys(connection, MASTER_KEY)

"""Read models in SQL: each reads its own tables, and a few named ones of others.

A read model is rebuilt and renamed by itself. Each table that another one reads is a
promise about its columns, so the promises are listed here.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from projections.registry import PROJECTIONS
from tests.kit.paths import ROOT

# The tables of other read models that the SQL of a module or package reads.
READ_OF_OTHERS = {
    "activity": {
        *("annotations", "api_keys", "campaign_items", "campaigns", "creator_list"),
        *("members", "organizations", "projects", "video_figures", "videos"),
    },
    "alerts": {
        *("activity", "creator_list", "scrape_runs", "videos"),
        *("analytics_campaign_members", "analytics_creator_posts"),
        *("analytics_snapshots", "analytics_videos", "projects"),
    },
    "analytics": {"campaign_items", "campaigns", "organizations"},
    "annotations": {"api_keys", "campaigns", "creator_list", "members", "videos"},
    "campaigns": {"videos"},
    "creators": {"analytics_videos", "projects"},
    "creator_streams": {"scrape_runs", "videos"},
    "feed": {"campaign_items", "creator_list", "reports", "videos"},
    "organizations": {"members", "people"},
    "members": {"invitations", "members"},
    "reports": {"analytics_videos", "organizations"},
    "scrape_runs": {"creator_list", "organizations"},
    "videos": {"projects"},
}

_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?:ONLY\s+)?(\w+)")


def _owners() -> Mapping[str, str]:
    """The read model of each table, as the package or module that writes it."""
    return {
        table: type(projection).__module__.split(".")[1]
        for projection in PROJECTIONS
        for table in projection.tables
    }


def _texts(module: Path) -> list[str]:
    nodes = ast.walk(ast.parse(module.read_text()))
    constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return [text for text in constants if isinstance(text, str)]


def test_read_models_read_only_the_listed_tables_of_others():
    owners = _owners()
    found: dict[str, set[str]] = defaultdict(set)

    for module in sorted((ROOT / "projections").rglob("*.py")):
        reader = module.relative_to(ROOT / "projections").parts[0].removesuffix(".py")
        for text in _texts(module):
            found[reader] |= {
                table
                for table in _TABLE.findall(text)
                if owners.get(table, reader) != reader
            }

    assert len(owners) > 30
    assert {reader: tables for reader, tables in found.items() if tables} == (
        READ_OF_OTHERS
    )

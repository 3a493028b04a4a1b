"""The meanings of fields and parameters: one table, which the files of ``words`` hold.

A section is a struct, or several with blanks between their names. The section ``any``
has the names that mean the same in all other structs, and ``parameters`` those that
mean something else as a parameter.
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

ANY: Final = "any"
PARAMETERS: Final = "parameters"

# A section and a name in it.
MeaningRow = tuple[str, str]


def row_of(struct: type, field: str) -> MeaningRow | None:
    """Return the row of a struct's field, None if the table has none.

    The struct's own section comes first, then those of the structs that it extends.
    """
    return _row((*(each.__name__ for each in struct.__mro__), ANY), field)


def row_of_parameter(name: str) -> MeaningRow | None:
    """Return the row of a parameter, None if the table has none."""
    return _row((PARAMETERS, ANY), name)


def meaning_at(row: MeaningRow) -> str:
    """Return the text of a row."""
    section, name = row
    return meanings()[section][name]


@cache
def meanings() -> Mapping[str, Mapping[str, str]]:
    """Return all texts by section and name.

    Raises:
        ValueError: a struct has two texts for a name.
    """
    found: dict[str, dict[str, str]] = {}
    for file in files("api.openapi").joinpath("words").iterdir():
        for heading, rows in tomllib.loads(file.read_text("utf-8")).items():
            for name in heading.split():
                section = found.setdefault(name, {})
                if doubles := section.keys() & rows.keys():
                    msg = f"{name} has two texts for {', '.join(sorted(doubles))}."
                    raise ValueError(msg)
                section.update(rows)
    return found


def _row(sections: Iterable[str], name: str) -> MeaningRow | None:
    table = meanings()
    return next(
        ((section, name) for section in sections if name in table.get(section, ())),
        None,
    )

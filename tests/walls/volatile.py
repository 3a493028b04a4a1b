"""Values that differ at each run, in place of which snapshots have names.

A name is numbered by its first appearance in a part, so that a part changes only if
something changes in it.
"""

import re

# The longest forms first, since a shorter one would take a part of a longer one.
_FORMS = re.compile(
    r"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"|(?P<key>tga_[0-9a-f]{16,})"
    r"|(?P<hook>whsec_[0-9A-Za-z+/=]{16,}|whpk_[0-9A-Za-z+/=]{16,})"
    r"|(?P<database>goatherd_test_[0-9a-f]{32})"
    r"|(?P<asset>/assets/[0-9a-f]{16})"
    r"|(?P<picture>/images/(?!drawn/)[\w.~=-]+)"
    r"|(?P<hash>(?<![0-9a-zA-Z])(?=\d*[a-f])[0-9a-f]{16,}(?![0-9a-zA-Z]))"
    r"|(?P<code>\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b|(?<=secret=)[A-Z2-7]{16,})"
    r"|(?P<tag>\"\d+-[0-9a-f]{16}\")"
    r"|(?P<token>(?<![0-9a-zA-Z_/+-])(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])"
    r"[0-9A-Za-z_+-]{32,}(?:\.[0-9A-Za-z_-]+)*=*)"
    r"|(?P<end>(?<=…)[0-9a-f]{8}\b)"
    r"|(?P<address>\b10\.\d+\.\d+\.\d+\b)"
    r"|(?P<port>(?<=127\.0\.0\.1:)\d{4,5})"
)
# How long something took, and how much was asked before.
_MEASURED = re.compile(
    r"(duration_ms\"?: |api_requests_today\"?: (?:{\"limit\": null, \"used\": )?|"
    r"API requests today\n\s+strong \| )[\d,]+"
    r"|(\| )[\d,.]+(?= ms\b)"
)


def without_volatile(text: str) -> str:
    """Return the text with a name in place of each value that differs at each run."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}

    def name(found: re.Match[str]) -> str:
        value, kind = found[0], str(found.lastgroup)
        if value not in names:
            counts[kind] = counts.get(kind, 0) + 1
            names[value] = f"{kind}-{counts[kind]}"
        return names[value]

    return _FORMS.sub(name, without_measured(text)).replace("\x07", "␇")


def without_measured(text: str) -> str:
    """Return the text without how long something took, and how often it was done."""
    return _MEASURED.sub(r"\1\2…", text)

"""Docstrings as readers of other tools expect them: Markdown, a paragraph a line."""

from inspect import cleandoc


def prose(docstring: str) -> str:
    """Return a docstring as Markdown, without the line breaks of our source."""
    paragraphs = cleandoc(docstring).replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)


def plain(docstring: str) -> str:
    """Return a docstring as one plain text, without any mark-up."""
    return " ".join(docstring.replace("`", "").split())

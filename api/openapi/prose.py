"""Docstrings as readers of OpenAPI expect them: Markdown, a line a paragraph."""

from inspect import cleandoc


def prose(docstring: str) -> str:
    """Return a docstring as Markdown, without the line breaks of our source."""
    paragraphs = cleandoc(docstring).replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)


def plain(docstring: str) -> str:
    """Return a docstring as plain text, without any mark-up."""
    return " ".join(docstring.replace("`", "").split())

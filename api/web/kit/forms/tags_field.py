"""The field of a form that has tags, with commas between them."""

from collections.abc import Mapping


def tags_of_text(text: str) -> list[str]:
    """Return the tags that a field has between commas."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def text_of_tags(tags: list[str]) -> str:
    return ", ".join(tags)


def tags_problem(problems: Mapping[str, str]) -> str:
    """Return the problem with the tags, or with a single one, named by its number."""
    of_one = (text for name, text in problems.items() if name.isdigit())
    return problems.get("tags") or next(of_one, "")

"""Phrases of sentences for people: lists and counted nouns."""


def counted(amount: int, noun: str) -> str:
    """Return the amount with the noun, which gets an s unless there is one of it."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def joined(phrases: list[str]) -> str:
    """Return the phrases with commas, and with "and" before the last of them."""
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def counted_are(amount: int, noun: str) -> str:
    """Return the amount with the noun and the verb: 1 scrape is, 2 scrapes are."""
    return f"{counted(amount, noun)} {'is' if amount == 1 else 'are'}"

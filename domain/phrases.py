"""Phrases of sentences for people: lists and counted nouns."""


def counted(amount: int, noun: str) -> str:
    """Return the amount and the noun, with an s at its end unless the amount is 1."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def joined(phrases: list[str]) -> str:
    """Return the phrases as a list in a sentence: "a, b and c"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def counted_are(amount: int, noun: str) -> str:
    """Return the amount, the noun and the verb: "1 scrape is", "2 scrapes are"."""
    return f"{counted(amount, noun)} {'is' if amount == 1 else 'are'}"

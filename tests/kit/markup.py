"""A page read as HTML, so that tests look for the things that a person would find."""

from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})
# One of these that was left open ends where the next one begins.
_ITEMS = frozenset({"dd", "dt", "li", "option"})


class Element:
    """One element with its text and elements, in the order of reading."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    def __getitem__(self, attribute: str) -> str:
        return self.attributes[attribute]

    @property
    def text(self) -> str:
        """All text in it, with single spaces."""
        return " ".join(" ".join(self.texts()).split())

    def all(self, tag: str, **attributes: str) -> "list[Element]":
        """The elements inside with this tag and these attributes, ``_`` for ``-``."""
        wanted = {
            name.strip("_").replace("_", "-"): v for name, v in attributes.items()
        }
        return [
            element
            for element in self.inside()
            if element.tag == tag and wanted.items() <= element.attributes.items()
        ]

    def one(self, tag: str, **attributes: str) -> "Element":
        """The only such element."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of <{tag} {attributes}>: {self.text}"
        return found[0]

    def inside(self) -> "Iterator[Element]":
        """Every element inside, from first to last."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.inside()

    def texts(self) -> Iterator[str]:
        """Every piece of text inside, from first to last."""
        for child in self.children:
            if isinstance(child, Element):
                yield from child.texts()
            else:
                yield child


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        if tag in _ITEMS and self._open[-1].tag in _ITEMS:
            self._open.pop()
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        # Elements that were left open inside, such as <li> and <p>, end with it.
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def read(page: str) -> Element:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.root

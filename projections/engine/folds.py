"""Folds: the functions with which a projection applies events, by type of event."""

from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, TypeVar

from domain.events import STORED_NAMES
from domain.messages import Event

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=Event)

_NAMES = {cls: name for name, cls in STORED_NAMES.items()}


def stored_name(event: Event) -> str:
    return _NAMES[type(event)]


def stored_names(*types: type[Event]) -> frozenset[str]:
    return frozenset(_NAMES[each] for each in types)


class Folds(Generic[P, R]):
    """The functions of a projection, by the type of event in their first parameter.

    With ``on = Folds[...]()``, a function under ``@on(VideoPutBack)`` folds events
    of this type. ``on.events`` has the stored names of all these events. The
    projection class passes them to its follower, so it stands below its folds in the
    module.
    """

    def __init__(self) -> None:
        self._folds: dict[type[Event], Callable[..., R]] = {}
        self._is_complete = False

    def __call__(
        self, *types: type[E]
    ) -> Callable[[Callable[Concatenate[E, P], R]], Callable[Concatenate[E, P], R]]:
        """Register the decorated function for events of these types.

        Raises:
            TypeError: one type has a fold already, or ``events`` was read before.
        """

        def subscribe(
            fold: Callable[Concatenate[E, P], R],
        ) -> Callable[Concatenate[E, P], R]:
            for each in types:
                if self._is_complete or each in self._folds:
                    msg = f"{each.__name__} cannot get a fold here any more."
                    raise TypeError(msg)
                self._folds[each] = fold
            return fold

        return subscribe

    @property
    def events(self) -> frozenset[str]:
        """The stored names of the events that have a fold."""
        self._is_complete = True
        return stored_names(*self._folds)

    def __contains__(self, event: Event) -> bool:
        return type(event) in self._folds

    def fold(self, event: Event, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the fold of the event, and return its result.

        Raises:
            TypeError: the event has no fold.
        """
        fold = self._folds.get(type(event))
        if fold is None:
            msg = f"{type(event).__name__} has no fold here."
            raise TypeError(msg)
        return fold(event, *args, **kwargs)

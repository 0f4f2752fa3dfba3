"""What a layer says about a response that equal requests may get again."""

from collections.abc import Callable
from typing import NamedTuple

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent

from mechshare.domain.ids import MechanismId

REPEATABLE = "mechshare.repeatable"
"""The key of a `Repeatable` in the request's state."""


class Repeatable(NamedTuple):
    """A response that is the same for everybody without a token, as long as `is_current`. Each request for it counts as
    a view of the mechanism `viewed`, if there is one.

    Once it is not current, `find_next` returns what took its place; None if only all layers can find that.
    """

    is_current: Callable[[], bool]
    viewed: MechanismId | None = None
    find_next: "Callable[[], Next | None]" = lambda: None


class Next(NamedTuple):
    """What the layer that marked a response as repeatable sends next."""

    repeatable: Repeatable
    start: HTTPResponseStartEvent
    body: HTTPResponseBodyEvent

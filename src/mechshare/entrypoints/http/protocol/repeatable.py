"""What a layer says about a response that equal requests may get again."""

from collections.abc import Callable
from typing import NamedTuple

from mechshare.domain.ids import MechanismId
from mechshare.services.support.visits import Visitor

REPEATABLE = "mechshare.repeatable"
"""The key of a `Repeatable` in the request's state."""


class Repeatable(NamedTuple):
    """A response that is the same for everybody without a token, as long as `is_current`. `view` is the view of a
    mechanism that the request counted for."""

    is_current: Callable[[], bool]
    view: tuple[MechanismId, Visitor] | None = None

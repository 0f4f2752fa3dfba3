"""Remembers when this process last saw each personal access token, until that is written."""

from collections.abc import Mapping
from datetime import datetime

from mechshare.domain.ids import TokenId


class TokenUses:
    def __init__(self) -> None:
        self._uses: dict[TokenId, datetime] = {}

    def note(self, id: TokenId, at: datetime) -> None:
        self._uses[id] = at

    def noted(self) -> Mapping[TokenId, datetime]:
        return dict(self._uses)

    def drop(self, written: Mapping[TokenId, datetime]) -> None:
        """Drops these uses; a use since then stays."""
        for id, at in written.items():
            if self._uses.get(id) == at:
                del self._uses[id]

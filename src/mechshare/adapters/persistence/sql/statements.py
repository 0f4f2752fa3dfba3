"""How repositories have their statements executed."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.errors import translated

Parameters = Mapping[str, Any]


class Statements:
    """One connection, for as long as the unit of work lasts. Raises what `translated` says."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rows(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Any]:
        with translated():
            return (await self._connection.execute(statement, parameters)).all()

    async def row(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first row, None if there is none."""
        found = await self.rows(statement, parameters)
        return found[0] if found else None

    async def change(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None = None
    ) -> int:
        """How many rows were changed; of no meaning for several sets of parameters."""
        with translated():
            return (await self._connection.execute(statement, parameters)).rowcount

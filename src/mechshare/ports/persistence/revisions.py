"""The former revisions of mechanisms."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId
from mechshare.domain.revisions import FormerRevision


class RevisionRepository(Protocol):
    """Revisions are only added and pruned, and are deleted with their mechanism."""

    async def add(self, revision: FormerRevision) -> None:
        """Stores a revision. Raises MechanismNotFound, and StaleVersion if the number has one."""

    async def find_former(self, mechanism_id: MechanismId) -> Sequence[FormerRevision]:
        """Returns the former revisions of a mechanism, oldest first."""

    async def find_last_versions(self, mechanism_id: MechanismId) -> Sequence[tuple[int, int]]:
        """Returns the number and `last_version` of each former revision, oldest first."""

    async def drop_file(self, mechanism_id: MechanismId, number: int) -> None:
        """Sets `main_file` of this revision to None; no-op if there is no such revision."""

    async def find_with_files(self) -> Sequence[MechanismId]:
        """Returns the mechanisms of which a former revision has a `main_file`, in order."""

    async def prune(self, mechanism_id: MechanismId, first: int) -> None:
        """Deletes the revisions with numbers below `first`."""

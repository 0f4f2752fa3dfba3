"""How far the processing of the main file of a mechanism is."""

from dataclasses import dataclass
from enum import StrEnum

from mechshare.domain.media import ProcessingFailure


class ProcessingState(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """The state of processing. `failure` is set exactly while the state is FAILED."""

    state: ProcessingState
    failure: ProcessingFailure | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in (ProcessingState.READY, ProcessingState.FAILED)


READY = Processing(state=ProcessingState.READY)
PENDING = Processing(state=ProcessingState.PENDING)

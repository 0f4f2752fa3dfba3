"""How fast this machine is now: bounds of processor time are stated for a usual one."""

import time

_USUAL_SECONDS = 0.02


def slowness() -> float:
    """Returns how many times as long as usual a piece of work takes this process now; at least 1."""
    return max(1.0, min(_seconds_of_work() for _ in range(3)) / _USUAL_SECONDS)


def _seconds_of_work() -> float:
    """Returns the processor time of making and sorting some texts, which needs the processor and memory."""
    before = time.process_time()
    sorted((str(number) for number in range(60_000)), key=lambda text: text[::-1])
    return time.process_time() - before

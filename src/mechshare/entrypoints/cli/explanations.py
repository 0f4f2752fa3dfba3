"""What an error of a dependency means to the person who runs a command."""

from mechshare.domain.errors import DomainException, Unavailable
from mechshare.services.maintenance.doctor import cause_of

_NOT_WRITABLE = (
    "readonly database",
    "unable to open database file",
    "Read-only file system",
    "Permission denied",
)
_ADVICE = "The file or its folder cannot be written: is the file system read-only, or does it belong to another user?"


def explained(problem: DomainException) -> str:
    """Returns the message of `problem`; of an unavailable dependency also the cause, and what to do about it."""
    cause = cause_of(problem)
    if not isinstance(problem, Unavailable) or not cause:
        return problem.message
    if any(sign in cause for sign in _NOT_WRITABLE):
        return f"{problem.message.partition('. ')[0]}: {cause}. {_ADVICE}"
    return f"{problem.message} ({cause})"

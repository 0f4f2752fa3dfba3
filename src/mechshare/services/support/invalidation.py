"""The cache tags."""

from mechshare.domain.ids import MechanismId, UserId


def mechanism_tag(id: MechanismId) -> str:
    """Returns the cache tag of everything that shows one mechanism."""
    return f"mechanism:{id}"


def access_tag(id: UserId) -> str:
    """Returns the cache tag of a user's account status, as cached for each session."""
    return f"access:{id}"


PUBLIC_LISTS = "mechanisms"
"""The cache tag of every list of mechanisms, of searches and suggestions, and of the counts by category."""

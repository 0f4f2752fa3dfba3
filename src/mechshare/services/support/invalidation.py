"""The cache tags: what is invalidated together."""

from mechshare.domain.ids import MechanismId, UserId


def mechanism_tag(id: MechanismId) -> str:
    """The cache tag of everything that is told of one mechanism."""
    return f"mechanism:{id}"


def access_tag(id: UserId) -> str:
    """The cache tag of what a user's access tokens are good for."""
    return f"access:{id}"


PUBLIC_LISTS = "mechanisms"
"""The cache tag of every list of mechanisms, of searches and suggestions, and of the counts by category."""

"""The cache tags."""

from collections.abc import Iterable, Sequence

from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.visibility import Visibility

PUBLIC_LISTS = "mechanisms"
"""The cache tag of everything that shows several mechanisms; the tags below and those of `list_tag` are parts of it."""
SEARCHES = f"{PUBLIC_LISTS}/searches"
"""The cache tag of searches and suggestions."""
CATEGORIES = f"{PUBLIC_LISTS}/categories"
"""The cache tag of the categories with their numbers of mechanisms."""
INTERNAL_COUNTS = "internal-counts"
"""The cache tag of the numbers of internal mechanisms in the categories: only signed-in callers read them."""


def mechanism_tag(id: MechanismId) -> str:
    """Returns the cache tag of everything that shows one mechanism."""
    return f"mechanism:{id}"


def counts_tag(id: MechanismId) -> str:
    """Returns the cache tag of what shows the counts of one mechanism: a part of its `mechanism_tag`."""
    return f"{mechanism_tag(id)}/counts"


def access_tag(id: UserId) -> str:
    """Returns the cache tag of a user's account status, as cached for each session."""
    return f"access:{id}"


def list_tag(category_ids: Sequence[CategoryId], user_id: UserId | None) -> str:
    """Returns the cache tag of the lists with these filters, in any order of items. Some filters share a tag."""
    if user_id is not None:
        return f"{PUBLIC_LISTS}/user:{user_id}"
    if len(category_ids) == 1:
        return f"{PUBLIC_LISTS}/category:{category_ids[0]}"
    return f"{PUBLIC_LISTS}/all"


def lists_of(*states: Mechanism) -> list[str]:
    """Returns the tags of the lists that contain a mechanism in any of these states, were it published."""
    categories = [id for state in states for id in state.categories]
    return list_tags(categories, [state.user_id for state in states])


def list_tags(categories: Iterable[CategoryId], users: Iterable[UserId]) -> list[str]:
    """Returns the tags of the lists of everything, of these categories and of these users."""
    tags = [list_tag([], None), *(list_tag([id], None) for id in categories)]
    return list(dict.fromkeys([*tags, *(list_tag([], id) for id in users)]))


def shown_in(*states: Mechanism) -> list[str]:
    """Returns the tags of the lists and counts that show a mechanism in one of these states to everybody, or to all who
    are signed in."""
    public = [state for state in states if state.is_public]
    are_internal = any(one.is_published and one.visibility is Visibility.INTERNAL for one in states)
    tags = [*lists_of(*public), CATEGORIES] if public else []
    return [*tags, INTERNAL_COUNTS] if are_internal else tags


def writer_tag(id: UserId) -> str:
    """Returns the cache tag that is invalidated when this user changes what is public."""
    return f"writer:{id}"


def tags_of(ids: Sequence[MechanismId], *, is_public: bool) -> list[str]:
    """Returns the tags of everything that may show one of these mechanisms."""
    tags = [INTERNAL_COUNTS, *mechanism_tags(ids)]
    return [PUBLIC_LISTS, *tags] if is_public else tags


def mechanism_tags(ids: Sequence[MechanismId]) -> list[str]:
    return [mechanism_tag(id) for id in ids]


def writer_tags(actor_id: UserId | None) -> list[str]:
    return [] if actor_id is None else [writer_tag(actor_id)]


def searches_of(before: Mechanism) -> list[str]:
    """Returns the tags of the searches that may show what a mechanism was before a change.

    They are invalidated: text that somebody takes back must be found no more. The index job refreshes them.
    """
    return [SEARCHES] if before.is_public else []

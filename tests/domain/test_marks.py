"""Likes and bookmarks."""

from mechshare.domain.marks import MarkKind, Marks


def test_a_mark_counts_as_soon_as_its_user_sets_it_and_no_longer_once_it_is_removed():
    before = Marks(likes=3)
    liked = before.having(MarkKind.LIKE)
    assert liked == Marks(likes=4, own=frozenset({MarkKind.LIKE}))
    assert liked.having(MarkKind.BOOKMARK).likes == 4
    assert liked.without(MarkKind.LIKE) == before


def test_removing_a_like_that_the_last_count_lacks_leaves_no_negative_number():
    assert Marks(likes=0, own=frozenset({MarkKind.LIKE})).without(MarkKind.LIKE) == Marks(likes=0)

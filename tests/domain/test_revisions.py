"""Revisions: which statement a version had, also after old ones were pruned."""

import pytest

from mechshare.domain.revisions import former_revision, revision_at, revisions_of
from mechshare.testing.persistence.values import NOW, a_mechanism, a_user


@pytest.mark.parametrize(("version", "number"), [(1, 4), (5, 4), (6, 5), (7, 5), (8, 6), (99, 6)])
def test_a_version_belongs_to_the_revision_that_it_had(version: int, number: int) -> None:
    assert revision_at(version, [(4, 5), (5, 7)]) == number
    assert revision_at(version, []) == 1


def test_nobody_is_named_for_what_follows_pruned_revisions() -> None:
    mechanism = a_mechanism(a_user(), title="now")
    former = [former_revision(mechanism, number, mechanism.user_id, NOW) for number in (7, 8)]
    newest, middle, oldest = revisions_of(mechanism, former)
    assert (newest.number, newest.is_current, newest.made_by) == (9, True, mechanism.user_id)
    assert (middle.made_at, oldest.made_by, oldest.made_at, oldest.changed) == (NOW, None, None, ())
    (only,) = revisions_of(mechanism, [])
    assert (only.number, only.made_by, only.made_at) == (1, mechanism.user_id, mechanism.created_at)

"""The contract suite of recent views."""

from datetime import UTC, datetime, timedelta

from mechshare.domain.statistics import COUNTED_ONCE_IN
from mechshare.ports.recent_views import RecentViews

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_viewer_is_admitted_once_in_the_time(recent_views: RecentViews) -> None:
    times = [NOON, NOON + timedelta(seconds=1), NOON + COUNTED_ONCE_IN - timedelta(seconds=1)]
    assert [recent_views.admit("ana", "cam", at) for at in times] == [True, False, False]
    assert recent_views.admit("ana", "cam", NOON + COUNTED_ONCE_IN)


def test_other_viewers_and_other_subjects_are_admitted(recent_views: RecentViews) -> None:
    assert recent_views.admit("ana", "cam", NOON)
    assert recent_views.admit("ben", "cam", NOON)
    assert recent_views.admit("ana", "gear", NOON)
    assert not recent_views.admit("ana", "cam", NOON)


def test_viewers_of_the_day_before_are_admitted_again(recent_views: RecentViews) -> None:
    assert recent_views.admit("ana", "cam", NOON.replace(hour=23, minute=59))
    assert recent_views.admit("ana", "cam", NOON + timedelta(hours=12))


def test_any_text_may_name_a_viewer(recent_views: RecentViews) -> None:
    for viewer in ("", "\ud800", "a" * 10_000, "\0"):
        assert recent_views.admit(viewer, "cam", NOON)
        assert not recent_views.admit(viewer, "cam", NOON)

"""The contract suite of recent views."""

from datetime import UTC, datetime, timedelta

from mechshare.domain.statistics import COUNTED_ONCE_IN
from mechshare.ports.recent_views import RecentViews, View

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


ANA = View("ana", "cam")


async def test_a_viewer_is_admitted_once_in_the_time(recent_views: RecentViews) -> None:
    times = [NOON, NOON + timedelta(seconds=1), NOON + COUNTED_ONCE_IN - timedelta(seconds=1)]
    assert [await recent_views.admit([ANA], at) for at in times] == [[True], [False], [False]]
    assert await recent_views.admit([ANA], NOON + COUNTED_ONCE_IN) == [True]


async def test_other_viewers_and_other_subjects_are_admitted_and_repetitions_are_not(
    recent_views: RecentViews,
) -> None:
    views = [ANA, View("ben", "cam"), View("ana", "gear"), ANA]
    assert await recent_views.admit(views, NOON) == [True, True, True, False]
    assert await recent_views.admit(views, NOON) == [False] * 4
    assert await recent_views.admit([], NOON) == []


async def test_viewers_of_the_day_before_are_admitted_again(recent_views: RecentViews) -> None:
    assert await recent_views.admit([ANA], NOON.replace(hour=23, minute=59)) == [True]
    assert await recent_views.admit([ANA], NOON + timedelta(hours=12)) == [True]


async def test_any_text_may_name_a_viewer(recent_views: RecentViews) -> None:
    views = [View(viewer, "cam") for viewer in ("", "\ud800", "a" * 10_000, "\0")]
    assert await recent_views.admit(views, NOON) == [True] * 4
    assert await recent_views.admit(views, NOON) == [False] * 4

from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.pagination import DEFAULT_LIMIT, MAX_LIMIT, PageRequest, Position
from tests.domain.values import NOW


def test_the_first_page_is_the_default():
    assert (PageRequest().page, PageRequest().limit, PageRequest().offset) == (1, DEFAULT_LIMIT, 0)


@given(st.integers(1, 10_000), st.integers(1, MAX_LIMIT))
def test_pages_follow_one_another_without_gap_or_overlap(page, limit):
    request, following = PageRequest(page=page, limit=limit), PageRequest(page=page + 1, limit=limit)
    assert following.offset == request.offset + limit


def test_a_cursor_position_overrides_the_page_number():
    after = Position(key=NOW, id="x")
    assert PageRequest(page=7, limit=10, after=after).offset == 0

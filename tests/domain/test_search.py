"""Search queries."""

import pytest

from mechshare.domain.errors import InvalidField
from mechshare.domain.search import clean_query


def test_a_query_whose_ligatures_unfold_to_far_more_is_refused() -> None:
    assert clean_query("ﷺ" * 40) == "ﷺ" * 40
    with pytest.raises(InvalidField):
        clean_query("ﷺ" * 50)

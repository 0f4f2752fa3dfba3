import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.ids import is_id


@given(st.uuids())
def test_an_identifier_has_one_spelling(uuid):
    assert is_id(str(uuid))
    assert not is_id(uuid.hex)
    assert not is_id(f"{{{uuid}}}")
    assert not is_id(f"{uuid}\n")
    assert not is_id(f" {uuid}")


@given(st.text(st.characters(), max_size=40))
def test_a_valid_identifier_is_plain_text(text):
    if is_id(text):
        assert text.isascii()
        assert text == text.lower()


@pytest.mark.parametrize("text", ["", "me", "../x", "٠" * 36, "0190-", "g" * 36])
def test_other_texts_are_no_identifiers(text):
    assert not is_id(text)

import pytest

from mechshare.domain.errors import IdempotencyKeyReused
from mechshare.domain.idempotency import IdempotencyRecord
from tests.domain.values import NOW

RECORD = IdempotencyRecord(scope="u POST /x", key="k", fingerprint="f", response=b"{}", created_at=NOW)


def test_the_same_request_gets_its_first_response():
    assert RECORD.response_to("f") == b"{}"


@pytest.mark.parametrize("fingerprint", ["", "F", "f ", "g"])
def test_another_request_under_the_key_is_a_conflict(fingerprint):
    with pytest.raises(IdempotencyKeyReused):
        RECORD.response_to(fingerprint)

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mechshare.domain.media_links import LINK_LIFETIME, LinkSigner
from mechshare.domain.signing_keys import SigningKeys
from tests.domain.values import NOW

SIGNER = LinkSigner(SigningKeys((b"k" * 32,)))
KEY = "media/m/1-abc.mp4"
EXPIRES = SIGNER.expiry(NOW)
SIGNATURE = SIGNER.sign(KEY, EXPIRES)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def test_a_link_opens_its_own_file():
    assert SIGNER.is_valid(KEY, EXPIRES, SIGNATURE, NOW)


@given(st.text(max_size=40))
def test_a_link_opens_no_other_file(key):
    assume(key != KEY)
    assert not SIGNER.is_valid(key, EXPIRES, SIGNATURE, NOW)


@given(st.integers(-(2**70), 2**70))
def test_a_link_cannot_be_prolonged(expires):
    assume(expires != EXPIRES)
    assert not SIGNER.is_valid(KEY, expires, SIGNATURE, NOW)


@given(st.text(st.characters(), max_size=70))
def test_every_other_signature_is_refused_and_none_crashes(signature):
    assume(signature != SIGNATURE)
    assert not SIGNER.is_valid(KEY, EXPIRES, signature, NOW)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        SIGNATURE[:-1],
        SIGNATURE + "0",
        SIGNATURE.upper(),
        SIGNATURE[::-1],
        f" {SIGNATURE}",
        "é" * 64,
        "\ud800" * 64,
    ],
)
def test_near_misses_are_refused(forged):
    assert not SIGNER.is_valid(KEY, EXPIRES, forged, NOW)


def test_another_secret_makes_another_signature():
    other = LinkSigner(SigningKeys((b"o" * 32,)))
    assert not SIGNER.is_valid(KEY, EXPIRES, other.sign(KEY, EXPIRES), NOW)


def test_a_link_stops_working_at_its_expiry():
    end = datetime.fromtimestamp(EXPIRES, UTC)
    assert SIGNER.is_valid(KEY, EXPIRES, SIGNATURE, end - timedelta(microseconds=1))
    assert not SIGNER.is_valid(KEY, EXPIRES, SIGNATURE, end)


@given(MOMENTS)
def test_a_new_link_lasts_its_lifetime_and_up_to_an_hour_more(now):
    left = datetime.fromtimestamp(SIGNER.expiry(now), UTC) - now
    assert left + timedelta(seconds=1) > LINK_LIFETIME
    assert left <= LINK_LIFETIME + timedelta(hours=1)


@given(MOMENTS, st.integers(0, 3599), st.integers(0, 3599))
def test_links_made_within_one_hour_are_equal(moment, first, second):
    hour = moment.replace(minute=0, second=0, microsecond=0)
    made = {SIGNER.expiry(hour + timedelta(seconds=s)) for s in (first, second)}
    assert len(made) == 1
    assert SIGNER.expiry(hour + timedelta(hours=1)) not in made


@pytest.mark.parametrize("length", [0, 1, 31])
def test_a_short_secret_is_refused(length):
    with pytest.raises(ValueError, match="at least 32 bytes"):
        LinkSigner(SigningKeys((b"x" * length,)))


def test_a_signer_does_not_show_its_secret():
    assert "kkk" not in repr(SIGNER)


def test_a_link_from_before_a_withdrawal_is_refused_after_it():
    withdrawn = SIGNER.sign(KEY, EXPIRES, is_withdrawn=True)
    assert not SIGNER.is_valid(KEY, EXPIRES, SIGNATURE, NOW, is_withdrawn=True)
    assert not SIGNER.is_valid(KEY, EXPIRES, withdrawn, NOW)
    assert SIGNER.is_valid(KEY, EXPIRES, withdrawn, NOW, is_withdrawn=True)

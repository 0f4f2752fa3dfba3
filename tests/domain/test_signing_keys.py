import pytest

from mechshare.domain.signing_keys import SigningKeys

OLD, NEW = b"o" * 32, b"n" * 32


def test_the_first_key_signs_and_every_key_verifies():
    signed = {key: SigningKeys((key,)).sign("content") for key in (OLD, NEW)}
    rotating = SigningKeys((NEW, OLD))
    assert rotating.sign("content") == signed[NEW]
    assert rotating.sign_by_each("content") == (signed[NEW], signed[OLD])
    assert all(rotating.is_signature(signature, "content") for signature in signed.values())
    assert not rotating.is_signature(signed[OLD], "other content")
    assert not SigningKeys((NEW,)).is_signature(signed[OLD], "content")


@pytest.mark.parametrize("signature", ["", "0" * 64, "é" * 64, "\ud800"])
def test_what_no_key_signed_is_refused(signature):
    assert not SigningKeys((NEW, OLD)).is_signature(signature, "content")


@pytest.mark.parametrize("keys", [(), (b"",), (NEW, b"x" * 31)])
def test_no_key_and_a_short_key_are_refused(keys):
    with pytest.raises(ValueError, match="at least 32 bytes"):
        SigningKeys(keys)


def test_keys_are_not_shown():
    assert "nnn" not in repr(SigningKeys((NEW,)))

from mechshare.domain.personal_access_tokens import PREFIX, is_token_text, token_text

SECRET = "aB3-_" * 8 + "xyz"


def test_a_token_is_recognised_by_its_prefix_and_checksum():
    text = token_text(SECRET)
    assert text.startswith(PREFIX + SECRET)
    assert is_token_text(text)
    assert not any(is_token_text(text[:at] + "!" + text[at + 1 :]) for at in range(len(text)))
    assert not is_token_text(text + "\n")
    assert not is_token_text(PREFIX + "x" * 43 + text[-8:])

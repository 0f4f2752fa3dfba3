import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.errors import InvalidField
from mechshare.domain.user_names import clean_username
from mechshare.domain.users import normal_login

NAMES = st.one_of(
    st.text(st.characters(), max_size=40),
    st.from_regex(r"\s*[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9]\s*", fullmatch=True),
    st.text(st.sampled_from("aZé한글ｱか亜ЯяΣßİﬁ０9._-゛々ー"), max_size=70),
)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("yt", "yt"),
        ("taro.yamada", "taro.yamada"),
        ("山田太郎", "山田太郎"),
        ("佐々木_yuki", "佐々木_yuki"),
        ("ロボット研究会", "ロボット研究会"),
        ("ﾛﾎﾞｯﾄ", "ロボット"),
        ("Ｔａｒｏ－９", "taro-9"),
        (" UPPER ", "upper"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("ΣΟΦΟΣ", "σοφοσ"),
        ("Юрий", "юрий"),
        ("홍길동", "홍길동"),
        ("สมชาย", "สมชาย"),
        ("देवनागरी", "देवनागरी"),
        ("فارسی۱۲", "فارسی۱۲"),
        ("four--bar", "four--bar"),
        ("a" * 64, "a" * 64),
    ],
)
def test_a_user_name_is_stored_in_one_spelling(typed, stored):
    assert clean_username(typed) == stored


@pytest.mark.parametrize(
    "name",
    [
        *("", "a", "a" * 65, "a" * 10_000, "山"),
        *("-ab", "ab-", "_ab", "ab.", "..", "a b", "a@b", "a/b", "../x", "a\nbc", "a\x00b"),
        *(
            "a\u200bb",
            "a\ufe0fb",
            "a\u034fb",
            "\u3164\u3164",
            "a" + 6 * "\u0301" + "b",
            "ab☺",
            "\u0301ab",
        ),
    ],
)
def test_an_invalid_user_name_is_refused(name):
    with pytest.raises(InvalidField, match="letters"):
        clean_username(name)


@pytest.mark.parametrize("name", ["аdmin", "pаypal", "mikαel", "ոmech", "가かな", "ｱ한", "a১", "1১", "१২"])
def test_a_name_of_scripts_that_no_language_mixes_is_refused(name):
    assert len({unicodedata.name(one).split()[0] for one in name}) > 1
    with pytest.raises(InvalidField, match="mixes scripts"):
        clean_username(name)


@given(NAMES)
def test_a_name_is_found_as_typed_and_as_stored(name):
    try:
        stored = clean_username(name)
    except InvalidField:
        return
    assert 2 <= len(stored) <= 64
    assert "@" not in stored
    assert clean_username(stored) == stored
    assert normal_login(name) == normal_login(stored) == stored


@given(st.from_regex(r"[a-z0-9][a-z0-9_-]{1,28}[a-z0-9]", fullmatch=True))
def test_names_of_the_previous_release_stay_as_they_are(name):
    assert clean_username(name) == name

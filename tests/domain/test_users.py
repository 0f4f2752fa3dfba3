from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.errors import InvalidField
from mechshare.domain.users import (
    Actor,
    Permission,
    Profile,
    Role,
    check_password,
    clean_bio,
    clean_display_name,
    clean_email,
    normal_login,
    normal_password,
    profile_of,
)
from tests.domain.values import NOW, OWNER, a_user

LATER = NOW + timedelta(hours=1)
ANY_TEXT = st.text(st.characters(), max_size=40)
EMAILS = st.from_regex(
    r"[A-Za-z0-9.+_éÅの-]{1,20}@[A-Za-z0-9é日-]{1,12}(\.[A-Za-z]{2,6}){1,2}", fullmatch=True
)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" Mika@Example.COM ", "mika@example.com"),
        ("a+tag@b.co.jp", "a+tag@b.co.jp"),
        ("Andre\u0301@example.com", "andré@example.com"),
        ("x@日本語.jp", "x@日本語.jp"),
        ("a" * 64 + "@b.co", "a" * 64 + "@b.co"),
    ],
)
def test_an_email_address_has_one_spelling(typed, expected):
    assert clean_email(typed) == expected


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@b",
        "@b.co",
        "a@",
        "a@@b.co",
        "a b@c.co",
        "a@b..co",
        "a@.co",
        "a@b.",
        "a@b.co\nBcc: x@y.co",
        "a@b\x00.co",
        "a" * 65 + "@b.co",
        "a@" + "b" * 250 + ".co",
        "a@b.co,c@d.co",
        "\ud800@b.co",
    ],
)
def test_an_invalid_email_address_is_refused(email):
    with pytest.raises(InvalidField) as refused:
        clean_email(email)
    assert refused.value.field == "email"


@given(EMAILS)
def test_an_email_address_is_found_as_typed_at_registration(email):
    expected = clean_email(email)
    assert clean_email(expected) == expected
    assert normal_login(email) == expected
    assert normal_login(f"  {email} ") == expected


@given(ANY_TEXT)
def test_any_login_can_be_looked_up_and_logged(login):
    spelt = normal_login(login)
    spelt.encode()
    assert "\x00" not in spelt
    assert len(spelt) <= 254


@pytest.mark.parametrize(("length", "fits"), [(0, False), (7, False), (8, True), (200, True), (201, False)])
def test_only_the_length_of_a_password_is_checked(length, fits):
    if fits:
        check_password("日" * length)
    else:
        with pytest.raises(InvalidField) as refused:
            check_password("日" * length)
        assert refused.value.field == "password"


@given(ANY_TEXT)
def test_any_password_can_be_hashed_and_is_normalized_once(password):
    normal = normal_password(password)
    normal.encode()
    assert normal_password(normal) == normal


def test_a_password_is_the_same_from_every_keyboard():
    assert normal_password("ｐａｓｓword ガ") == normal_password("password カ\u3099")


def test_passwords_keep_their_case_and_their_spaces():
    assert normal_password("  Aa bB ") == "  Aa bB "


@pytest.mark.parametrize("name", ["", " ", "x" * 51, "a\nb", "\u202eevil"])
def test_a_display_name_is_a_short_line(name):
    with pytest.raises(InvalidField):
        clean_display_name(name)


def test_a_bio_may_be_empty_and_has_lines():
    assert clean_bio("") == ""
    assert clean_bio("a\r\nb") == "a\nb"
    with pytest.raises(InvalidField):
        clean_bio("x" * 2001)


GRANTED = {
    Role.READER: set(),
    Role.USER: {Permission.CREATE_MECHANISMS},
    Role.MODERATOR: {Permission.CREATE_MECHANISMS, Permission.WITHDRAW_ANY_MECHANISM},
    Role.ADMIN: set(Permission),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_grants_what_the_table_says(role, permission):
    assert Actor(id=OWNER, role=role).has_permission(permission) is (permission in GRANTED[role])


def test_suspending_again_keeps_the_first_time_and_reinstating_clears_it():
    suspended = a_user().suspended(NOW)

    assert suspended.is_suspended
    assert suspended.suspended(LATER) == suspended
    assert not suspended.reinstated(LATER).is_suspended


def test_a_change_returns_a_new_value_and_keeps_the_first():
    user = a_user()
    promoted = user.with_role(Role.ADMIN, LATER)

    assert (user.role, user.updated_at) == (Role.USER, NOW)
    assert (promoted.role, promoted.updated_at) == (Role.ADMIN, LATER)
    with pytest.raises(AttributeError):
        user.role = Role.ADMIN


def test_a_profile_is_cleaned():
    described = a_user().described(display_name="  か\u3099  ", bio="a\rb", now=LATER)
    assert (described.display_name, described.bio, described.updated_at) == ("が", "a\nb", LATER)


def test_a_profile_shows_nothing_private():
    assert set(Profile.__dataclass_fields__) == {"id", "username", "display_name", "bio", "created_at"}
    assert profile_of(a_user(bio="gears")).bio == "gears"


@pytest.mark.parametrize("password", ["a" + "\u0315" * 31 + "secret", "x" * 801, "e\u0301" * 401])
def test_a_password_that_is_costly_to_normalise_is_refused_and_equals_no_other(password):
    with pytest.raises(InvalidField) as refused:
        check_password(password)
    assert refused.value.field == "password"
    normal = normal_password(password)
    assert len(normal) <= 801
    assert len(normal) > 200 or "\u0315" * 31 in normal

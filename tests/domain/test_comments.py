"""Comments: how long they are editable, what they are about, and whom they mention."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.comments import (
    EDIT_PERIOD,
    MAX_COMMENT_LENGTH,
    MAX_MENTIONS,
    Comment,
    CommentDeleted,
    CommentId,
    CommentNotEditable,
    CommentOfOther,
    Mention,
    find_mentions,
    mentioned_names,
)
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.users import Actor, Role

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MIKA, ADMIN = Actor(id=UserId("mika"), role=Role.USER), Actor(id=UserId("admin"), role=Role.ADMIN)


def a_comment() -> Comment:
    return Comment(
        id=CommentId("1"), mechanism_id=MechanismId("1"), user_id=MIKA.id, text="play", created_at=NOW
    )


def test_a_comment_is_edited_by_its_author_for_fifteen_minutes() -> None:
    comment, end = a_comment(), NOW + EDIT_PERIOD
    edited = comment.edited(MIKA, " backlash ", end)
    assert (edited.text, edited.edited_at, edited.former[0].text) == ("backlash", end, "play")
    with pytest.raises(CommentNotEditable):
        comment.edited(MIKA, "backlash", end + timedelta(microseconds=1))
    with pytest.raises(CommentOfOther):
        comment.edited(ADMIN, "backlash", NOW)


def test_a_tombstone_says_nothing_and_is_not_edited() -> None:
    tombstone = a_comment().edited(MIKA, "backlash", NOW).tombstone(NOW)
    assert (tombstone.text, tombstone.user_id, tombstone.former) == ("", None, ())
    with pytest.raises(CommentDeleted):
        tombstone.edited(MIKA, "play", NOW)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@mika", [["mika"]]),
        ("@Mika, look", [["mika"]]),
        ("see (@mika-k)", [["mika-k", "mika"]]),
        ("＠ｍｉｋａ", [["mika"]]),
        ("@mikaさん、どうですか", [["mikaさん", "mika"]]),
        ("**@mika**,@ren", [["mika"], ["ren"]]),
        ("mail a@mika.example", []),
        ("`@mika` ``a ` @mika``", []),
        ("```\n@mika\n```\n@ren", [["ren"]]),
        ("~~~ python\n@mika", []),
        ("` @mika", [["mika"]]),
        ("@", []),
        ("@x", []),
        ("@@mika", []),
    ],
)
def test_a_mention_may_mean_what_a_name_can_end_with(text: str, names: list[list[str]]) -> None:
    assert [list(each) for each in mentioned_names(text)] == names


@pytest.mark.parametrize(
    ("text", "name", "written"),
    [
        ("@Mikaさん", "mika", "@Mika"),
        ("＠ｍｉｋａ", "mika", "＠ｍｉｋａ"),
        ("see @x℀!", "xa", "@x℀"),  # ℀ folds to a/c
        ("@x㏂", "xa", "@x㏂"),  # to a.m.
        ("@" + "a" * 62 + "ﬃ", "a" * 62 + "ff", "@" + "a" * 62 + "ﬃ"),  # to ffi, beyond the longest name
    ],
)
def test_a_mention_ends_with_the_character_in_which_the_name_ends(text: str, name: str, written: str) -> None:
    assert [name] in [list(each)[-1:] for each in mentioned_names(text)]
    ((start, end, user_id),) = find_mentions(text, [Mention(name=name, user_id=MIKA.id)])
    assert (text[start:end], user_id) == (written, MIKA.id)


@given(st.text(st.sampled_from("abさ.ß℀㏂ﬃ℡かﾞé\u0301"), min_size=2, max_size=80))
def test_a_mention_lies_in_its_text_whatever_it_folds_to(name: str) -> None:
    text = f"@{name}"
    for names in mentioned_names(text):
        for one in names:
            for start, end, _ in find_mentions(text, [Mention(name=one, user_id=MIKA.id)]):
                assert 0 <= start < end <= len(text)


def test_mentions_are_bounded_in_number_and_in_names() -> None:
    found = mentioned_names(("@" + "a.b-" * 20 + " ") * (MAX_COMMENT_LENGTH // 80))
    assert len(found) == MAX_MENTIONS
    assert max(map(len, found)) <= 4

"""What is linked in the texts of users, and that no text becomes markup."""

import re
import sys

import pytest

from mechshare.domain.comments import MAX_COMMENT_LENGTH, Mention
from mechshare.domain.ids import UserId
from mechshare.entrypoints.http.representations.markdown import linked, rendered

MIKA = Mention(name="mika", user_id=UserId("m1"))
TANAKA = Mention(name="田中", user_id=UserId("t1"))
_LINK = re.compile(r'<a href="([^"]*)" rel="nofollow ugc noopener noreferrer">([^<]*)</a>')


def links(html: str) -> list[tuple[str, str]]:
    assert html.count("<a") == len(_LINK.findall(html)), html
    return _LINK.findall(html)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://example.com/a?b=c.", "https://example.com/a?b=c"),
        ("これ（https://example.com/a）を見る。", "https://example.com/a"),
        ("https://example.com/カム。", "https://example.com/カム"),
        ("(https://example.com/cam_(part))", "https://example.com/cam_(part)"),
        ("詳細はHTTP://example.com/x、次", "HTTP://example.com/x"),
    ],
)
def test_a_bare_address_becomes_a_link_without_what_follows_it(text: str, address: str) -> None:
    for html in (rendered(text), rendered(f"**{text}**"), linked(text)):
        assert [shown for _, shown in links(html)] == [address]


@pytest.mark.parametrize(
    "text",
    [
        "`https://example.com`",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.com",
        "https://",
        "example.com a@example.com",
        "[a](/sign-out)",
        "[a](//evil.example/x)",
        "[a](mailto:a@example.com)",
        "<a@example.com>",
        "[a](https://)",
    ],
)
def test_other_texts_are_no_links(text: str) -> None:
    assert links(rendered(text)) == []


def test_an_address_in_a_link_stays_the_text_of_that_link() -> None:
    assert links(rendered("[https://a.example](https://b.example)")) == [
        ("https://b.example", "https://a.example")
    ]


def test_a_mention_leads_to_the_profile_whatever_follows_and_others_are_text() -> None:
    html = rendered(
        "@Mikaさん、（＠田中さん）と @nobody です `@mika` a@mika", (MIKA, TANAKA), "https://m.example/base"
    )
    assert links(html) == [
        ("https://m.example/base/u/m1", "@Mika"),
        ("https://m.example/base/u/t1", "＠田中"),
    ]


def test_plain_texts_keep_their_lines_and_show_markup() -> None:
    assert linked("*a*\n  <b>\nhttps://a.example/_x_") == (
        '*a*\n  &lt;b&gt;\n<a href="https://a.example/_x_" rel="nofollow ugc noopener noreferrer">'
        "https://a.example/_x_</a>"
    )


@pytest.mark.parametrize(
    "text",
    [
        'https://a.example/"onmouseover=alert(1)',
        "https://a.example/'><script>alert(1)</script>",
        "[x](javascript:alert(1)) https://a.example/<img/src=x/onerror=alert(1)>",
        "https://javascript:alert(1)@a.example",
        "https://a.example/\x00\u202e<svg/onload=alert(1)>",
    ],
)
def test_no_address_becomes_markup(text: str) -> None:
    for html in (rendered(text, (MIKA,), "/x"), linked(text)):
        rest = _LINK.sub("", html)
        assert set(re.findall(r"<[^>]*>", rest)) <= {"<p>", "</p>"}
        assert all(href.startswith("https://") for href, _ in links(html))


@pytest.mark.parametrize(("render", "length"), [(rendered, MAX_COMMENT_LENGTH), (linked, 20_000)])
def test_the_html_that_a_process_remembers_takes_bounded_memory(render, length) -> None:
    longest = ("https://a.example/𠮷 " * length)[:length]

    size = sys.getsizeof(longest) + sys.getsizeof(render(longest))

    assert size * render.cache_info().maxsize < 64 * 1024 * 1024

from pathlib import PurePosixPath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mechshare.domain.blobs import (
    CONTENT_TYPES,
    blob_key,
    blob_url,
    content_type_of,
    derivative_key,
    derivative_prefix,
    is_blob_key,
    mechanism_of,
    original_key,
)

IDS = st.uuids().map(str)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
EXTENSIONS = st.sampled_from(sorted(CONTENT_TYPES))
NEAR_KEYS = st.lists(
    st.sampled_from(["a", "b0", "..", ".", "/", "-", "_", "\\", "~", "%2e", "\x00", "\n", "A"])
).map("".join)


@given(NEAR_KEYS | st.text(st.characters(), max_size=30))
def test_no_key_leaves_its_folder(text):
    if not is_blob_key(text):
        return
    parts = PurePosixPath("/store", text).parts

    assert not text.startswith("/")
    assert not {"..", "."} & set(text.split("/"))
    assert "" not in text.split("/")
    assert parts[:2] == ("/", "store")
    assert text.isascii()
    assert text == text.lower()
    assert not set(text) & set("\\:%~ \x00\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "..",
        ".",
        "a/..",
        "../a",
        "a/../b",
        "a/./b",
        ".a",
        "a.",
        "a..b",
        "-a",
        "a-",
        "a--b",
        "A",
        "a b",
        "a\\b",
        "a\x00",
        "a\n",
        "a/b\n",
        "é",
        "a%2e",
        "a:b",
        "~a",
        "a" * 201,
        "con/",
        "a/\u202e",
        "\ud800",
    ],
)
def test_an_invalid_key_is_recognized(text):
    assert not is_blob_key(text)


@pytest.mark.parametrize("text", ["a", "a/b", "originals/0-1.gif", "a.b-c_d/e", "a" * 200])
def test_plain_keys_are_valid(text):
    assert is_blob_key(text)


@given(IDS, EXTENSIONS)
def test_an_originals_key_belongs_to_no_mechanism(id, extension):
    key = original_key(id, extension)
    assert is_blob_key(key)
    assert mechanism_of(key) is None
    assert content_type_of(key) == CONTENT_TYPES[extension]


@given(IDS, st.integers(1, 10**6), DIGESTS, EXTENSIONS)
def test_a_derivatives_key_names_its_mechanism(id, fence, digest, extension):
    key = derivative_key(id, fence, digest, extension)
    assert is_blob_key(key)
    assert key.startswith(derivative_prefix(id))
    assert mechanism_of(key) == id


@given(IDS, st.integers(1, 99), st.integers(1, 99), DIGESTS, DIGESTS)
def test_no_two_attempts_and_no_two_contents_share_a_key(id, fence, other_fence, digest, other_digest):
    assume((fence, digest[:32]) != (other_fence, other_digest[:32]))
    assert derivative_key(id, fence, digest, "mp4") != derivative_key(id, other_fence, other_digest, "mp4")


@pytest.mark.parametrize("key", ["a", "media/a", "media/a/b/c", "originals/a.gif", "medial/a/b", ""])
def test_other_keys_belong_to_no_mechanism(key):
    assert mechanism_of(key) is None


@given(st.text(max_size=30))
def test_the_key_can_be_read_from_its_url(key):
    assert blob_key(blob_url(key)) == key


@pytest.mark.parametrize("url", ["https://example.com/blob:x", "", "BLOB:x", "blo:x"])
def test_a_url_elsewhere_has_no_key(url):
    assert blob_key(url) is None


@pytest.mark.parametrize("key", ["a.html", "a.svg", "a.js", "a.gif.html", "a.GIF", "a", "a/b"])
def test_an_unlisted_type_is_a_plain_download(key):
    assert content_type_of(key) == "application/octet-stream"


def test_nothing_is_served_as_an_executable_type():
    documents = ("application/pdf", "application/msword", "application/vnd.")  # they are downloads
    inert = ("image/", "video/", *documents)
    assert all(kind.startswith(inert) for kind in CONTENT_TYPES.values())
    assert "image/svg+xml" not in CONTENT_TYPES.values()

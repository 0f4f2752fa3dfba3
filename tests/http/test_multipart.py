"""Forms from careless, broken and malicious clients are accepted or refused, and leave no file behind."""

from typing import Any
from urllib.parse import unquote

import pytest

from tests.http.conftest import API, Site
from tests.services.world import GIF

MECHANISMS = f"{API}/mechanisms"
DISPOSITION = b"Content-Disposition: form-data; name="
FILE = DISPOSITION + b'"file"; filename="clip.gif"\r\n\r\n' + GIF + b"\r\n"
TITLE = DISPOSITION + b'"title"\r\n\r\n\xe6\xad\xaf\xe8\xbb\x8a\r\n'


def form(*parts: bytes, boundary: bytes = b"b") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part for part in parts) + b"--" + boundary + b"--\r\n"


async def blob_keys(site: Site) -> list[str]:
    return [key async for key in site.adapters.blobs.list("")]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(form(FILE, TITLE), "multipart/form-data; charset=no-such; boundary=b", id="charset"),
        pytest.param(form(FILE, TITLE), 'multipart/form-data; boundary="b"', id="quoted boundary"),
        pytest.param(form(FILE, TITLE) + b"more", "multipart/form-data; boundary=b", id="epilogue"),
        pytest.param(
            form(FILE, DISPOSITION + b'"title"\r\nContent-Type: text/plain; charset=no-such\r\n\r\nx\r\n'),
            "multipart/form-data; boundary=b",
            id="charset of a part",
        ),
    ],
)
async def test_other_headers_and_parameters_of_a_form_do_not_matter(
    site: Site, content: bytes, content_type: str
) -> None:
    headers = {**await site.sign_up("sakura"), "Content-Type": content_type}
    response = await site.client.post(MECHANISMS, headers=headers, content=content)
    assert response.status_code == 202, response.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(form(FILE, DISPOSITION + b'"title"\r\n\r\n\xff\xfe\r\n'), 400, id="text not UTF-8"),
        pytest.param(form(FILE, DISPOSITION + b'"title"\r\n\r\n\xed\xa0\x80\r\n'), 400, id="lone surrogate"),
        pytest.param(form(FILE, DISPOSITION + b'"title"\r\n\r\na\x00b\r\n'), 422, id="NUL"),
        pytest.param(form(FILE, TITLE, DISPOSITION + b'"ti\xfftle"\r\n\r\nx\r\n'), 400, id="name not UTF-8"),
        pytest.param(form(FILE, TITLE, b"X-Part: y\r\n\r\nx\r\n"), 400, id="nameless part"),
        pytest.param(
            form(FILE, TITLE, DISPOSITION + b'"x"; y="' + b"z" * 100_000 + b'"\r\n\r\nx\r\n'),
            400,
            id="huge header of a part",
        ),
        pytest.param(
            form(FILE, TITLE, *[TITLE.replace(b"title", b"c%d" % n) for n in range(100)]), 400, id="parts"
        ),
        pytest.param(form(FILE, TITLE)[:-6], 400, id="no last boundary"),
        pytest.param(form(FILE, TITLE, boundary=b"c"), 400, id="another boundary"),
        pytest.param(form(), 400, id="no part"),
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"\r\n" * 50_000, 400, id="line ends alone"),
    ],
)
async def test_a_broken_form_is_refused_with_a_message_and_stores_nothing(
    site: Site, content: bytes, status: int
) -> None:
    headers = {**await site.sign_up("sakura"), "Content-Type": "multipart/form-data; boundary=b"}
    response = await site.client.post(MECHANISMS, headers=headers, content=content)
    assert response.status_code == status, response.text
    assert "Error(" not in response.text, "a defect of the form is told in words, not as Python has it"
    assert await blob_keys(site) == []


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=é", "; boundary=" + "x" * 5_000])
async def test_a_form_without_a_usable_boundary_is_refused(site: Site, boundary: str) -> None:
    content_type = f"multipart/form-data{boundary}".encode()
    headers = {**await site.sign_up("sakura"), "Content-Type": content_type}
    response = await site.client.post(MECHANISMS, headers=headers, content=form(FILE, TITLE))
    assert (response.status_code, response.json()["code"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("四節リンク.gif", "四節リンク.gif"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\clip.gif", "clip.gif"),
        ("ふりがな\u202egpj.gif", "ふりがなgpj.gif"),
        ('a"b;c.gif', 'a"b;c.gif'),
        ("/", "file"),
    ],
)
async def test_a_file_name_is_returned_sanitized(site: Site, sent: str, stored: str) -> None:
    headers = await site.sign_up("sakura")
    made = await site.client.post(
        MECHANISMS, headers=headers, data={"title": "x"}, files={"file": (sent, GIF)}
    )
    original = await site.client.get(f"{MECHANISMS}/{made.json()['id']}/original", headers=headers)
    name = original.headers["content-disposition"].removeprefix("attachment; filename*=UTF-8''")
    assert unquote(name) == stored
    assert "/" not in name


async def cut_short(site: Site, headers: dict[str, str], content: bytes) -> list[dict[str, Any]]:
    """Returns the server's messages to a client that disconnects after `content`."""
    arriving: list[dict[str, Any]] = [{"type": "http.request", "body": content, "more_body": True}]
    responses: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return arriving.pop() if arriving else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        responses.append(message)

    given = {**headers, "content-type": "multipart/form-data; boundary=b"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": MECHANISMS,
        "raw_path": MECHANISMS.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("mechshare.test", 80),
    }
    app: Any = site.client._transport.app  # type: ignore[attr-defined]
    await app(scope, receive, send)
    return responses


@pytest.mark.parametrize("end", [20, len(FILE) // 2, len(FILE) + 5, len(FILE) + 40])
async def test_an_aborted_upload_is_no_defect_and_stores_nothing(site: Site, end: int) -> None:
    headers = await site.sign_up("sakura")
    responses = await cut_short(site, headers, form(FILE, TITLE)[:end])
    assert responses[0]["status"] == 400
    assert b"MALFORMED_REQUEST" in responses[1]["body"]
    assert await blob_keys(site) == []

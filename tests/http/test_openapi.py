"""The OpenAPI document, and that the API keeps to it."""

import json
import os
from pathlib import Path
from typing import Any

from mechshare.entrypoints.http.protocol.errors import errors_page
from tests.http.conftest import Site

DOCS = Path(__file__).parents[2] / "docs"
UPDATE = "run 'UPDATE_DOCS=1 pytest tests/http/test_openapi.py' and look at the difference"


async def document(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = (await site.client.get("/schema/openapi.json")).json()
    return found


def kept(name: str, text: str) -> str:
    """What the repository has of a generated page; written first where that is asked for."""
    path = DOCS / name
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


async def test_a_change_of_the_api_shows_in_its_committed_document(site: Site) -> None:
    text = json.dumps(await document(site), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    assert kept("openapi.json", text) == text, UPDATE


def test_every_error_stands_in_the_list_of_errors() -> None:
    assert kept("errors.md", errors_page()) == errors_page(), UPDATE


REFUSAL = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}


async def test_every_operation_tells_how_it_refuses_and_whether_it_wants_a_token(site: Site) -> None:
    described = await document(site)
    assert described["openapi"].startswith("3.1")
    assert "ErrorBody" in described["components"]["schemas"]
    for path, item in described["paths"].items():
        for method, operation in item.items():
            for status in ("4XX", "5XX"):
                assert operation["responses"][status]["content"] == REFUSAL, (method, path)
            assert "content" not in operation["responses"].get("204", {}), (method, path)
            assert operation["summary"], (method, path)
            if method != "get" and not path.startswith("/api/v1/auth/"):
                assert operation["security"] == [{"token": []}], (method, path)


async def test_the_document_says_which_headers_are_heard_and_what_is_sent_back(site: Site) -> None:
    paths = (await document(site))["paths"]

    def heard(method: str, path: str) -> list[str]:
        parameters = paths[path][method].get("parameters", ())
        return [parameter["name"] for parameter in parameters if parameter["in"] == "header"]

    one, media = "/api/v1/mechanisms/{mechanism_id}", "/api/v1/media/{mechanism_id}/{name}"
    assert heard("get", one) == ["If-None-Match"]
    assert heard("patch", one) == heard("delete", one) == heard("delete", "/api/v1/users/me") == ["If-Match"]
    assert (
        heard("post", "/api/v1/mechanisms") == heard("post", "/api/v1/auth/register") == ["Idempotency-Key"]
    )
    assert heard("get", media) == ["If-None-Match", "Range", "If-Range"]
    assert paths[media]["get"]["responses"]["206"]["content"] == {"*/*": {}}
    assert set(paths[f"{one}/processing/events"]["get"]["responses"]["200"]["content"]) == {
        "text/event-stream"
    }
    for path in (one, media, "/api/v1/users/{user_id}/mechanisms", "/api/v1/search/mechanisms"):
        assert paths[path]["get"]["security"] == [{}, {"token": []}], path


async def test_the_pages_for_people_have_all_they_need_on_this_server(site: Site) -> None:
    for page in ("/", "/schema"):
        text = (await site.client.get(page)).text
        assert "//cdn" not in text
        links = [part.split('"')[0] for mark in ('src="', 'href="') for part in text.split(mark)[1:]]
        assert links
        for link in links:
            if link.startswith("/"):
                assert (await site.client.get(link)).status_code == 200, (page, link)


async def test_metrics_speak_of_routes_and_never_of_identifiers(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    await site.client.get(f"/api/v1/mechanisms/{made['id']}")
    text = (await site.client.get("/metrics")).text
    assert (
        'http_requests_total{endpoint="/api/v1/mechanisms/{mechanism_id}",method="GET",status="200"}' in text
    )
    assert "http_request_duration_seconds_bucket" in text
    assert 'mechshare_job_attempts_total{kind="process_mechanism_file",outcome="done"}' in text
    assert made["id"] not in text


async def test_what_is_to_be_sent_is_described_with_an_example(site: Site) -> None:
    paths = (await document(site))["paths"]
    register = paths["/api/v1/auth/register"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert register["required"] == ["username", "email", "password"]
    assert register["additionalProperties"] is False
    assert register["examples"][0]["username"] == "sakura"
    create = paths["/api/v1/mechanisms"]["post"]["requestBody"]["content"]
    assert create["multipart/form-data"]["schema"]["required"] == ["title", "file"]
    assert "file_url" in create["application/json"]["schema"]["properties"]

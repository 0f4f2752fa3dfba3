"""The OpenAPI document, and the API's conformance to it."""

import json
import os
import re
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, generate_latest

from mechshare.entrypoints.http.protocol.errors import errors_page
from tests.http.conftest import Site

DOCS = Path(__file__).parents[2] / "docs"
UPDATE = "run 'UPDATE_DOCS=1 pytest tests/http/test_openapi.py' and look at the difference"


async def document(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = (await site.client.get("/schema/openapi.json")).json()
    return found


def committed_text(name: str, text: str) -> str:
    """Returns the committed text of a generated page; with UPDATE_DOCS set, writes it first."""
    path = DOCS / name
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


async def test_a_change_of_the_api_shows_in_its_committed_document(site: Site) -> None:
    text = json.dumps(await document(site), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    assert committed_text("openapi.json", text) == text, UPDATE


def test_every_error_is_in_the_list_of_errors() -> None:
    assert committed_text("errors.md", errors_page()) == errors_page(), UPDATE


ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}


async def operations(site: Site) -> list[tuple[str, str, dict[str, Any]]]:
    """Returns the path, method and description of each operation."""
    paths = (await document(site))["paths"]
    return [(method, path, one) for path, item in paths.items() for method, one in item.items()]


async def test_each_schema_and_each_operation_has_a_published_name(site: Site) -> None:
    """The committed document lists the names."""
    schemas = (await document(site))["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []
    names = [one["operationId"] for _, _, one in await operations(site)]
    assert [name for name in names if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name)] == []
    assert len(set(names)) == len(names)


async def test_every_operation_has_a_description_and_declares_its_errors(site: Site) -> None:
    for method, path, operation in await operations(site):
        responses = operation["responses"]
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert {"414", "429", "431", "500", "503"} <= set(responses), (method, path)
        assert not {"4XX", "5XX", "default"} & set(responses), (method, path)
        for status, response in responses.items():
            assert {"RateLimit", "RateLimit-Policy"} <= set(response["headers"]), (method, path, status)
            assert ("Retry-After" in response["headers"]) == (status in ("429", "503", "507"))
            if status >= "400":
                assert response["content"] == ERROR, (method, path, status)
        assert "content" not in responses.get("204", {}), (method, path)


async def test_every_operation_declares_whether_it_needs_a_token(site: Site) -> None:
    for method, path, operation in await operations(site):
        security = operation["security"]
        assert ("401" in operation["responses"]) == (security != []) or path.startswith("/api/v1/auth/")
        if method != "get" and not path.startswith("/api/v1/auth/"):
            is_open = path.endswith("/views")  # everybody may look
            assert security == ([{}, {"token": []}] if is_open else [{"token": []}]), (method, path)
    paths = (await document(site))["paths"]
    assert paths["/api/v1/categories/{category_id}"]["get"]["security"] == []
    assert paths["/api/v1/auth/login"]["post"]["security"] == []


async def test_an_operation_declares_the_errors_that_its_inputs_can_cause(site: Site) -> None:
    paths = (await document(site))["paths"]
    change = paths["/api/v1/mechanisms/{mechanism_id}"]["patch"]
    assert [status for status in change["responses"] if status >= "400"] == (
        [
            "400",
            "401",
            "403",
            "404",
            "408",
            "409",
            "412",
            "413",
            "414",
            "415",
            "422",
            "428",
            "429",
            "431",
            "500",
            "503",
            "507",
        ]
    )
    if_match = next(one for one in change["parameters"] if one["name"] == "If-Match")
    assert if_match["required"] is True
    listed = paths["/.well-known/jwks.json"]["get"]["responses"]
    assert [status for status in listed if status >= "400"] == ["414", "429", "431", "500", "503"]


async def test_successful_responses_declare_their_headers(site: Site) -> None:
    paths = (await document(site))["paths"]

    def sent(method: str, path: str, status: str) -> set[str]:
        return set(paths[path][method]["responses"][status]["headers"]) - {"RateLimit", "RateLimit-Policy"}

    assert sent("get", "/api/v1/mechanisms", "200") == {"ETag", "Link"}
    assert sent("post", "/api/v1/mechanisms", "202") == {"ETag", "Location"}
    assert sent("post", "/api/v1/mechanisms/from-url", "201") == {"ETag", "Location"}
    assert sent("get", "/api/v1/mechanisms/{mechanism_id}/original", "302") == {"Location"}
    assert sent("delete", "/api/v1/users/me", "204") == set()
    assert sent("get", "/api/v1/media/{mechanism_id}/{name}", "206") == {"ETag", "Content-Range"}
    assert sent("get", "/api/v1/categories/{category_id}", "308") == {"Location"}
    assert sent("post", "/api/v1/uploads", "201") == {"Location", "Upload-Offset", "Upload-Expires"}
    assert sent("patch", "/api/v1/uploads/{upload_id}", "204") == {"Upload-Offset", "Upload-Expires"}


async def test_fields_have_formats_lengths_and_error_codes(site: Site) -> None:
    schemas = (await document(site))["components"]["schemas"]
    assert schemas["Mechanism"]["properties"]["id"]["format"] == "uuid"
    assert schemas["Mechanism"]["properties"]["created_at"]["format"] == "date-time"
    assert "format" not in schemas["Category"]["properties"]["id"]
    assert schemas["NewMechanism"]["properties"]["title"]["maxLength"] == 200
    codes = schemas["Error"]["properties"]["code"]["enum"]
    assert {"MECHANISM_NOT_FOUND", "VERSION_REQUIRED", "INTERNAL_ERROR"} <= set(codes)


async def test_operator_routes_are_not_in_the_public_document(site: Site) -> None:
    paths = (await document(site))["paths"]
    assert not [path for path in paths if not path.startswith(("/api/v1/", "/.well-known/"))]
    assert "/api/v1/.well-known/jwks.json" not in paths
    assert (await site.client.get("/api/v1/.well-known/jwks.json")).status_code == 200


async def test_the_document_declares_request_headers_and_responses(site: Site) -> None:
    paths = (await document(site))["paths"]

    def headers_of(method: str, path: str) -> list[str]:
        parameters = paths[path][method].get("parameters", ())
        return [parameter["name"] for parameter in parameters if parameter["in"] == "header"]

    one, media = "/api/v1/mechanisms/{mechanism_id}", "/api/v1/media/{mechanism_id}/{name}"
    assert headers_of("get", one) == ["If-None-Match"]
    assert (
        headers_of("patch", one)
        == headers_of("delete", one)
        == headers_of("delete", "/api/v1/users/me")
        == ["If-Match"]
    )
    assert (
        headers_of("post", "/api/v1/mechanisms")
        == headers_of("post", "/api/v1/auth/register")
        == ["Idempotency-Key"]
    )
    creating = ["Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Checksum"]
    assert headers_of("post", "/api/v1/uploads") == creating
    assert headers_of("get", media) == ["If-None-Match", "Range", "If-Range"]
    file = {"schema": {"format": "binary", "type": "string"}}
    for status in ("200", "206"):
        content = paths[media]["get"]["responses"][status]["content"]
        assert content["video/mp4"] == content["image/webp"] == content["application/octet-stream"] == file
    assert set(paths[f"{one}/processing/events"]["get"]["responses"]["200"]["content"]) == {
        "text/event-stream"
    }
    for path in (one, media, "/api/v1/users/{user_id}/mechanisms", "/api/v1/search/mechanisms"):
        assert paths[path]["get"]["security"] == [{}, {"token": []}], path


async def test_the_html_pages_load_everything_from_this_server(site: Site) -> None:
    for page in ("/", "/schema"):
        text = (await site.client.get(page)).text
        assert "//cdn" not in text
        links = re.findall(r"<(?:link|script|img)\b[^>]*(?:src|href)=[\"']([^\"']+)", text)
        assert links
        for link in links:
            if link.startswith("/"):
                assert (await site.client.get(link)).status_code == 200, (page, link)


async def test_metrics_name_routes_and_never_identifiers(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    await site.client.get(f"/api/v1/mechanisms/{made['id']}")
    text = generate_latest(REGISTRY).decode()
    assert (
        'http_requests_total{endpoint="/api/v1/mechanisms/{mechanism_id}",method="GET",status="200"}' in text
    )
    assert "http_request_duration_seconds_bucket" in text
    assert 'mechshare_job_attempts_total{kind="process_mechanism_file",outcome="done"}' in text
    assert made["id"] not in text


async def test_every_request_body_has_an_example(site: Site) -> None:
    described = await document(site)

    def body(path: str) -> tuple[list[str], dict[str, Any]]:
        """Returns the media types that the operation accepts, and the schema of its body."""
        content = described["paths"][path]["post"]["requestBody"]["content"]
        (media,) = content.values()
        return list(content), described["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]

    _, register = body("/api/v1/auth/register")
    assert register["required"] == ["username", "email", "password"]
    assert register["additionalProperties"] is False
    assert register["examples"][0]["username"] == "sakura"
    types, upload = body("/api/v1/mechanisms")
    assert types == ["multipart/form-data"]
    assert upload["required"] == ["title", "file"]
    types, from_url = body("/api/v1/mechanisms/from-url")
    assert types == ["application/json"]
    assert "file_url" in from_url["properties"]

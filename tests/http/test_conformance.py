"""Every response to any request is one that the OpenAPI document describes, and none is a 500."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import get_client, shutdown_lifespans
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mechshare.bootstrap.application import build
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver
from tests.http.conftest import API, PASSWORD, memory_settings, quick_adapters
from tests.services.world import GIF
from tests.stills import pdf

PDF = pdf(["Slider-crank"])

ABSENT = "01900000-0000-7000-8000-000000000000"
CASES = 300
"""Requests for each way of generating them, with and without a token."""
ENOUGH = 5
"""Number of operations that must succeed at least once; otherwise the run checks refusals alone."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDS_IT_ALL = {("DELETE", "/api/v1/users/me"), ("POST", "/api/v1/auth/logout")}
NEVER_ENDS = {("GET", "/api/v1/users/me/notifications/events")}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    settings = memory_settings(tmp_path_factory.mktemp("conformance"), job_slots=1, jobs_url="embedded:")
    application = build(settings, LoggingObserver(), quick_adapters(settings))
    yield build_app(application)
    shutdown_lifespans()


@pytest.fixture(scope="module")
def headers(app: Any) -> dict[str, str]:
    """Returns the headers of a signed-in user."""
    with get_client(app) as client:
        joining = {"username": "sakura", "email": "sakura@example.com", "password": PASSWORD}
        assert client.post(f"{API}/auth/register", json=joining).status_code == 201
        return signed_in(client)


@pytest.fixture(scope="module")
def known(app: Any, headers: dict[str, str]) -> dict[str, str]:
    """Creates a published document and returns its values by the names of path parameters."""
    with get_client(app) as client:
        client.headers.update(headers)
        made = client.post(f"{API}/mechanisms", data={"title": "歯車"}, files={"file": ("a.pdf", PDF)}).json()
        url = f"{API}/mechanisms/{made['id']}"
        assert '"state":"ready"' in client.get(f"{url}/processing/events").text
        published = client.post(f"{url}/publish").json()
        claimed = client.post(f"{url}/claims", json={"kind": "supports", "text": "三回測定"}).json()
        comment = client.post(f"{url}/comments", json={"text": "遊びが大きい"}).json()
        source = client.post(
            f"{API}/mechanisms", data={"title": "カム"}, files={"file": ("a.gif", GIF)}
        ).json()
        relation = {"source": source["id"], "kind": "part_of"}
        assert client.post(f"{url}/lineage", json=relation).status_code == 201
        group = client.post(f"{API}/groups", json={"name": "設計課"}).json()
        attached = client.post(f"{url}/attachments", files={"file": ("a.step", b"ISO-10303-21;")}).json()
        group = client.post(f"{API}/groups", json={"name": "研究室"}).json()
        collected = client.post(f"{API}/collections", json={"title": "カム"}).json()
        upload = client.post(f"{API}/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "3"})
    return {
        "mechanism_id": made["id"],
        "claim_id": claimed["id"],
        "comment_id": comment["id"],
        "attachment_id": attached["id"],
        "source_id": source["id"],
        "group_id": group["id"],
        "collection_id": collected["id"],
        "kind": "part_of",
        "user_id": made["user_id"],
        "category_id": "gears",
        "name": published["thumbnail_url"].rpartition("/")[2],
        **dict.fromkeys(
            (
                "notification_id",
                "session_id",
                "token_id",
                "invitation_id",
                "report_id",
                "search_id",
                "webhook_id",
            ),
            ABSENT,
        ),
        "number": "1",
        "webhook_id": ABSENT,
        "upload_id": upload.headers["Location"].rpartition("/")[2],
    }


def signed_in(client: requests.Session) -> dict[str, str]:
    response = client.post(f"{API}/auth/login", json={"username": "sakura", "password": PASSWORD})
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_any_request_gets_a_documented_response(
    app: Any, headers: dict[str, str], known: dict[str, str], mode: GenerationMode, is_signed_in: bool
) -> None:
    schema = schemathesis.openapi.from_asgi("/schema/openapi.json", app)
    strategies = [
        operation.as_strategy(generation_mode=mode)
        for operation in (found.ok() for found in schema.get_all_operations())
        if (operation.method.upper(), operation.path) not in ENDS_IT_ALL | NEVER_ENDS
    ]
    succeeded: set[str] = set()

    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(strategies), uses_existing_ids=st.booleans())
    def send(case: Case, uses_existing_ids: bool) -> None:
        if uses_existing_ids and case.method.upper() != "DELETE":
            case.path_parameters = {name: known[name] for name in case.path_parameters or ()}
        response = case.call_and_validate(checks=CHECKS, headers=dict(headers) if is_signed_in else {})
        if response.status_code < 300:
            succeeded.add(case.operation.label)

    send()
    if mode is GenerationMode.POSITIVE:
        assert len(succeeded) >= ENOUGH, sorted(succeeded)

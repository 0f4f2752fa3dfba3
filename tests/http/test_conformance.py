"""Whatever is asked, the answer is one that the OpenAPI document describes, and never a defect of ours."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.journeys.test_kill_9 import serving, signed_in

CASES = 250
"""For each way of generating them, signed in and not."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Its address, and headers of somebody who signed in before drawn sign-ins got this address refused."""
    with serving(tmp_path_factory.mktemp("conformance") / "data") as (address, _):
        yield address, signed_in(address)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_any_request_gets_a_documented_answer(
    server: tuple[str, dict[str, str]], mode: GenerationMode, is_signed_in: bool
) -> None:
    address, token = server
    headers = token if is_signed_in else {}
    schema = schemathesis.openapi.from_url(address + "/schema/openapi.json")
    operations = [operation.ok() for operation in schema.get_all_operations()]
    leaving = {("DELETE", "/api/v1/users/me"), ("POST", "/api/v1/auth/logout")}
    strategies = [
        operation.as_strategy(generation_mode=mode)
        for operation in operations
        if (operation.method.upper(), operation.path) not in leaving
    ]

    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(strategies))
    def ask(case: Case) -> None:
        case.call_and_validate(checks=CHECKS, headers=headers, timeout=30)

    ask()

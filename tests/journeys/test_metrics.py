"""Metrics over all processes of a server."""

import re
from collections import Counter
from pathlib import Path

from tests.chaos.installation import installed
from tests.operations.test_exposition import check_by_promtool

DESCRIBED = (
    "http_requests_total",
    "http_request_duration_seconds",
    "mechshare_database_up",
    "mechshare_database_connections_in_use",
    "mechshare_database_connection_wait_seconds",
    "mechshare_cache_loads_total",
    "mechshare_search_seconds",
)


async def test_metrics_add_up_all_processes_of_a_server(tmp_path: Path) -> None:
    async with installed("embedded", tmp_path) as installation:
        with installation.serving(workers=2):
            await installation.ready()
            for _ in range(20):
                # a connection each: either process may accept it
                async with installation.visitor() as client:
                    assert (await client.get("/api/v1/categories")).status_code == 200
            async with installation.visitor() as client, installation.operator() as operator:
                assert (await client.get("/api/v1/search/mechanisms?q=cam")).status_code == 200
                assert (await client.get("/metrics")).status_code == 404
                assert (await client.get("/health/ready")).json() == {"status": "ready"}
                checks = (await operator.get("/health")).raise_for_status().json()["checks"]
                exposition = (await operator.get("/metrics")).raise_for_status()
    assert checks[0]["name"] == "server"
    assert all(check["is_up"] for check in checks)
    counted = re.search(
        r'http_requests_total\{endpoint="/api/v1/categories",method="GET",status="200"\} (\S+)',
        exposition.text,
    )
    assert counted is not None, exposition.text
    assert float(counted.group(1)) == 20
    helps = Counter(re.findall(r"^# HELP (\S+)", exposition.text, re.M))
    assert set(DESCRIBED) - set(helps) == set()
    assert set(helps.values()) == {1}
    assert "pid=" not in exposition.text
    assert check_by_promtool(exposition.content) == ""

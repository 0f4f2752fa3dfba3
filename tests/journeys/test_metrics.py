"""Metrics over all processes of a server."""

import re
from pathlib import Path

from tests.chaos.installation import installed


async def test_metrics_add_up_all_processes_of_a_server(tmp_path: Path) -> None:
    async with installed("embedded", tmp_path) as installation:
        with installation.serving(workers=2):
            await installation.ready()
            for _ in range(20):
                async with (
                    installation.visitor() as client
                ):  # a connection each: either process may accept it
                    assert (await client.get("/api/v1/categories")).status_code == 200
            async with installation.visitor() as client:
                told = (await client.get("/metrics")).text
    counted = re.search(
        r'http_requests_total\{endpoint="/api/v1/categories",method="GET",status="200"\} (\S+)', told
    )
    assert counted is not None, told
    assert float(counted.group(1)) == 20

"""What one scrape of a server shows."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, generate_latest

from mechshare.adapters import metrics as adapter_metrics
from mechshare.domain.disks import DiskSpace
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.jobs import Backlog, JobKind, JobState
from mechshare.entrypoints import metrics
from mechshare.entrypoints.operations.exposition import (
    DiskCollector,
    LedgerCollector,
    ProcessesCollector,
    registry_of,
)

WAITING = {(JobKind.SWEEP, JobState.QUEUED): Backlog(count=3, oldest=datetime(2026, 1, 1, tzinfo=UTC))}


def backlog() -> Mapping[tuple[JobKind, JobState], Backlog]:
    return WAITING


def no_backlog() -> Mapping[tuple[JobKind, JobState], Backlog]:
    raise DependencyUnavailable(dependency="database")


def check_by_promtool(exposition: bytes) -> str:
    """Returns what `promtool check metrics` complains about; skips the test without promtool (Debian: prometheus)."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    ran = subprocess.run([promtool, "check", "metrics"], input=exposition, capture_output=True, timeout=60)
    return (ran.stdout + ran.stderr).decode()


def test_the_ledger_is_read_at_each_scrape() -> None:
    text = generate_latest(registry_of(LedgerCollector(backlog))).decode()
    assert 'mechshare_jobs{kind="sweep",state="queued"} 3.0' in text
    assert 'mechshare_jobs_oldest_seconds{kind="sweep",state="queued"}' in text
    assert "mechshare_database_up 1.0" in text


def test_without_the_database_the_ledger_has_no_samples() -> None:
    text = generate_latest(registry_of(LedgerCollector(no_backlog))).decode()
    assert "mechshare_database_up 0.0" in text
    assert "mechshare_jobs" not in text


def test_the_disk_is_read_at_each_scrape() -> None:
    space = DiskSpace(place="/srv", free_bytes=99, reserve_bytes=100)
    text = generate_latest(registry_of(DiskCollector(lambda: space))).decode()
    assert "mechshare_disk_free_bytes 99.0" in text
    assert "mechshare_disk_reserve_bytes 100.0" in text


def no_disk() -> DiskSpace:
    raise DependencyUnavailable(dependency="disk")


def test_without_the_disk_there_are_no_samples_of_it() -> None:
    assert generate_latest(registry_of(DiskCollector(no_disk))) == b""


def set_gauge_in_a_process(folder: Path) -> None:
    program = (
        "from prometheus_client import Gauge; "
        "Gauge('mechshare_trial', 'A trial', multiprocess_mode='livesum').set(5)"
    )
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run([sys.executable, "-c", program], env=environ, check=True, timeout=60)


def test_gauges_of_a_process_that_ended_are_left_out(tmp_path: Path) -> None:
    set_gauge_in_a_process(tmp_path)
    assert len(list(tmp_path.glob("gauge_livesum_*.db"))) == 1
    text = generate_latest(registry_of(ProcessesCollector(tmp_path))).decode()
    assert "mechshare_trial" not in text
    assert not list(tmp_path.glob("gauge_livesum_*.db"))


def test_each_metric_is_described_once_and_correctly() -> None:
    metrics.REQUESTS.labels("GET", "/", "200").inc()
    metrics.LATENCY.labels("GET", "/").observe(0.001)
    adapter_metrics.SEARCHES.labels("search", "done").observe(0.001)
    registry = registry_of(REGISTRY, LedgerCollector(backlog))
    exposition = generate_latest(registry)
    helps = Counter(line.split()[2] for line in exposition.decode().splitlines() if line.startswith("# HELP"))
    assert max(helps.values()) == 1
    assert check_by_promtool(exposition) == ""


def test_buckets_begin_at_half_a_millisecond() -> None:
    metrics.LATENCY.labels("GET", "/").observe(0.0004)
    text = generate_latest(registry_of(REGISTRY)).decode()
    assert 'http_request_duration_seconds_bucket{endpoint="/",le="0.0005",method="GET"}' in text

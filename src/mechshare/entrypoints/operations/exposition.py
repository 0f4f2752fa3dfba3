"""The metrics of all processes of a server, and of the job ledger, for one scrape."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from mechshare.domain.disks import DiskSpace
from mechshare.domain.errors import Unavailable
from mechshare.domain.jobs import INDEXING, Backlog, JobKind, JobState

FindBacklog = Callable[[], Mapping[tuple[JobKind, JobState], Backlog]]
_UP = "1 if the database is reachable, else 0"
_LIVE_GAUGES = re.compile(r"gauge_live[a-z]*_(\d+)\.db\Z")


class LedgerCollector(Collector):
    """Reads the job ledger at each scrape. `find_backlog` may raise Unavailable.

    Gauges that a process sets would outlive it and count once per process; the ledger is one for all.
    """

    def __init__(self, find_backlog: FindBacklog) -> None:
        self._find_backlog = find_backlog

    def collect(self) -> Iterator[Metric]:
        try:
            backlog = self._find_backlog()
        except Unavailable:
            yield GaugeMetricFamily("mechshare_database_up", _UP, 0)
            return
        yield GaugeMetricFamily("mechshare_database_up", _UP, 1)
        labels, now = ["kind", "state"], datetime.now(UTC)
        jobs = GaugeMetricFamily("mechshare_jobs", "Queued and running jobs", labels=labels)
        ages = GaugeMetricFamily(
            "mechshare_jobs_oldest_seconds",
            "Age of the oldest queued or running job, in seconds",
            labels=labels,
        )
        for (kind, state), some in backlog.items():
            jobs.add_metric([kind.value, state.value], some.count)
            ages.add_metric([kind.value, state.value], max(0.0, (now - some.oldest).total_seconds()))
        yield jobs
        yield ages
        yield GaugeMetricFamily(
            "mechshare_index_backlog",
            "Changes of mechanisms that the search index may lack",
            sum(some.count for (kind, _), some in backlog.items() if kind in INDEXING),
        )


class DiskCollector(Collector):
    """Reads the space of the disk with the least room at each scrape. `find_disk_space` may raise Unavailable."""

    def __init__(self, find_disk_space: Callable[[], DiskSpace]) -> None:
        self._find_disk_space = find_disk_space

    def collect(self) -> Iterator[Metric]:
        try:
            space = self._find_disk_space()
        except Unavailable:
            return
        yield GaugeMetricFamily(
            "mechshare_disk_free_bytes", "Free bytes of the disk with the least room", space.free_bytes
        )
        yield GaugeMetricFamily(
            "mechshare_disk_reserve_bytes", "Free bytes below which uploads are refused", space.reserve_bytes
        )


class ProcessesCollector(Collector):
    """Adds up what the processes of a server count in `folder`; gauges of processes that ended are left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._collector = MultiProcessCollector(CollectorRegistry(), str(folder))

    def collect(self) -> Iterator[Metric]:
        for file in self._folder.glob("gauge_live*.db"):
            if (found := _LIVE_GAUGES.match(file.name)) and not _is_running(int(found[1])):
                mark_process_dead(int(found[1]), str(self._folder))
        yield from self._collector.collect()


def registry_of(*collectors: Collector) -> CollectorRegistry:
    """Returns a registry of only these collectors."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return registry


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

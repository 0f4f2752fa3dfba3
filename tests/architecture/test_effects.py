"""What follows from an event is said in services/effects.py and carried out by services/transactions.py alone."""

import ast

import pytest

from tests.architecture.source import PACKAGE, modules_of, name_of, tree_of

SERVICES = PACKAGE / "services"
CARRIES_OUT = {SERVICES / "transactions.py"}
BY_HAND = {
    ("ledger", "add"),
    ("audit", "add"),
    ("cache", "forget"),
    ("cache", "invalidate"),
    ("doorbell", "ring"),
}
RINGS_ITSELF = {SERVICES / "jobs.py": {("doorbell", "ring")}}
"""The runner of jobs wakes its like for what it took back: nothing follows from that."""


def calls_by_hand(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (owner := named(node.value)):
            call = owner.removeprefix("_"), node.attr
            if call in BY_HAND:
                yield call


def named(node):
    return getattr(node, "attr", None) or getattr(node, "id", None)


@pytest.mark.parametrize("path", sorted(set(modules_of("services")) - CARRIES_OUT), ids=name_of)
def test_no_use_case_enqueues_audits_invalidates_or_rings_by_hand(path):
    assert set(calls_by_hand(tree_of(path))) <= RINGS_ITSELF.get(path, set())


def test_by_hand_is_seen_however_it_is_written():
    written = "await tx.ledger.add(job)\nawait self._doorbell.ring()\nmap(cache.forget, tags)"
    assert len(list(calls_by_hand(ast.parse(written)))) == 3
    (carries_out,) = CARRIES_OUT
    assert len(list(calls_by_hand(tree_of(carries_out)))) == 4


def test_nothing_in_services_begins_a_transaction_past_those_that_record_without_need():
    """A transaction of the bare database is for what no event tells of: rows that nobody will miss, facts of files."""
    begins = {
        path.relative_to(SERVICES).as_posix()
        for path in modules_of("services")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "begin" and named(node.value) == "_database"
    }
    maintenance = {"maintenance/garbage_collection.py", "maintenance/blob_measurement.py"}
    assert begins == {"transactions.py", *maintenance}

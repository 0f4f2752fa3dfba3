"""Only services/effects.py defines the effects of an event, and only services/transactions.py applies them."""

import ast

import pytest

from tests.architecture.source import PACKAGE, modules_of, name_of, tree_of

SERVICES = PACKAGE / "services"
CARRIES_OUT = {SERVICES / "transactions.py"}
BY_HAND = {
    ("ledger", "add"),
    ("audit", "add"),
    ("notifications", "add"),
    ("cache", "forget"),
    ("cache", "invalidate"),
    ("doorbell", "ring"),
}
RINGS_ITSELF = {SERVICES / "jobs.py": {("doorbell", "ring")}}
"""The job runner wakes other workers for the jobs that it reaped: that has no event."""


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


def test_every_spelling_of_an_effect_by_hand_is_found():
    written = "await tx.ledger.add(job)\nawait self._doorbell.ring()\nmap(cache.forget, tags)"
    assert len(list(calls_by_hand(ast.parse(written)))) == 3
    (carries_out,) = CARRIES_OUT
    assert len(list(calls_by_hand(tree_of(carries_out)))) == 5


def test_services_begin_no_transaction_without_effects_unless_exempt():
    """A transaction without effects is for changes without events: expendable rows, facts of files."""
    begins = {
        path.relative_to(SERVICES).as_posix()
        for path in modules_of("services")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "begin" and named(node.value) == "_database"
    }
    maintenance = {
        "maintenance/garbage_collection.py",
        "maintenance/blob_measurement.py",
        "maintenance/upload_expiry.py",
    }
    assert begins == {"transactions.py", *maintenance}

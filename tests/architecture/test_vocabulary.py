"""One name for each thing (docs/glossary.md): words that were retired do not come back as names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import MODULES, ROOT, name_of, tree_of

RETIRED_NAMES = {
    "KeptAnswers": "ResponseCacheMiddleware",
    "answer_kept": "cached_response",
    "Edge": "RequestContextMiddleware",
    "LoggedRequests": "LogContextMiddleware",
    "Receipt": "IdempotencyRecord",
    "do_once": "run_once",
    "Replay": "ReplayedResponse",
    "LISTS": "PUBLIC_LISTS",
    "mechanism_group": "mechanism_tag",
    "Batches": "DataLoader",
    "Flights": "SingleFlight",
    "OwnLoads": "LocalLoads",
    "News": "InvalidationListener",
    "Circuit": "CircuitBreaker",
    "Creation": "BulkInsert",
    "show_new_name": "propagate_rename",
    "clear_up_after": "clean_up_deleted",
    "Sweep": "GarbageCollection",
    "Upkeep": "Scheduler",
    "Diagnosis": "DoctorReport",
    "Trouble": "Problem",
    "ReadOtherwise": "ChecksumMismatch",
    "Outline": "InstallationSummary",
    "told_digest": "digest_prefix",
    "hold_name": "advisory_lock",
    "Whole": "JsonColumn",
    "Listing": "PagedQuery",
    "OpenFiles": "FdCache",
    "fold": "normalize_text",
    "Folded": "NormalizedText",
    "Origin": "RequestMetadata",
    "OwnStanding": "CannotModifySelf",
    "OWN_STANDING": "CANNOT_MODIFY_SELF",
    "give_up": "on_failed",
    "retried": "on_retry",
    "abandoned": "on_lost",
    "LOOK_AGAIN": "POLL_INTERVAL",
    "GRACE": "SHUTDOWN_GRACE",
    "SILENCE": "IDLE_TIMEOUT",
    "worker_stumbled": "worker_error",
    "worker_waits": "dependency_unavailable",
    "still_lets_in": "listen_filter_failed",
    "doorbell_deaf": "doorbell_unavailable",
    "doorbell_out_of_order": "doorbell_unavailable",
    "search_index_begun_anew": "search_index_recreated",
    "blob_draft_not_discarded": "unfinished_blob_not_removed",
    "gently": "owns_process",
    "HEARS_VERSION": "ACCEPTS_IF_MATCH",
    "HEARS_KEY": "ACCEPTS_IDEMPOTENCY_KEY",
    "LOOK_AWAY": "DRAIN_SECONDS",
    "LET_IN": "ACCEPT_SECONDS",
    "LISTEN_FOR": "MAX_STREAM_SECONDS",
    "OUT_OF_STEP": "OUT_OF_SYNC",
    "unless_waiting": "unless_pending",
    "count_costly": "count_operation",
    "Costly": "CostlyOperation",
    "once": "idempotency",
    "dispensable": "optional",
    "nothing_to_write": "write_nothing",
    "arriving": "body_pieces",
    "keep_user": "save_user",
}
"""Each retired name with its replacement."""

RETIRED_EVERYWHERE = {
    *("told", "asked", "asking", "answer", "answers", "answered", "unanswered", "kept", "unkept"),
    *("forget", "forgets", "forgetter", "forgetting", "forgetful", "forgotten", "anew"),
    *("bell", "bells", "deaf", "hear", "hears", "heard", "unheard"),
    *("patience", "patiently", "sought"),
}
"""Words that are part of no name in any module, those of tests and measurements included."""

RETIRED_WORDS = {
    *RETIRED_EVERYWHERE,
    *(
        "news",
        "board",
        "landmark",
        "stretch",
        "promise",
        "condemn",
        "receipt",
        "receipts",
        "blameless",
    ),
    *("hung", "rung"),
    *("trouble", "diagnosis", "eldest", "standing", "stumbled", "sweeping", "upkeep"),
    *("bury", "buried", "burying"),
    *("longest", "largest", "deepest"),
    *("nobodys", "complaints", "stranger", "strangers", "needless", "superfluous"),
}
"""Words that are part of no name in any module of the package."""

LOG_METHODS = {"debug", "info", "warning", "error", "exception"}


def words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)}


def names_in(tree: ast.Module) -> Iterator[str]:
    """Yields the names that the module defines, the events that it logs, and the codes of its errors."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value=str(event)), *_]):
                if method in LOG_METHODS:
                    yield event
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
                yield code


def retired_in(path: Path) -> list[str]:
    names = {path.stem, *names_in(tree_of(path))}
    names = {
        name for name in names if not name.startswith("test_")
    }  # sentences about behaviour, not names of things
    return sorted(
        name for name in names if name.strip("_") in RETIRED_NAMES or words_of(name) & RETIRED_WORDS
    )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_retired_name_comes_back(path):
    assert retired_in(path) == []


@pytest.mark.parametrize("folder", ["tests", "bench", "servers", "tools", "examples"])
def test_no_retired_word_comes_back_beside_the_package(folder):
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        names = {path.stem, *names_in(tree_of(path))}
        found[str(path)] = sorted(
            name for name in names if not name.startswith("test_") and words_of(name) & RETIRED_EVERYWHERE
        )
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("source", "retired"),
    [
        ("class Edge: ...", ["Edge"]),
        ("async def wait(bells): ...", ["bells"]),
        ("self._is_deaf = True", ["_is_deaf"]),
        ("_LONGEST_NAME = 50", ["_LONGEST_NAME"]),
        ("log.warning('worker_stumbled')", ["worker_stumbled"]),
        ("class Refused:\n    code = 'OWN_STANDING'", ["OWN_STANDING"]),
        ("def ring(doorbell): ...", []),
    ],
)
def test_a_retired_name_is_found_in_every_position(source, retired, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(source)
    names = names_in(tree_of(path))
    assert [
        name for name in names if name.strip("_") in RETIRED_NAMES or words_of(name) & RETIRED_WORDS
    ] == retired

import ast
import re

import pytest

from mechshare.domain import errors
from mechshare.domain.errors import LANGUAGES, DomainException
from mechshare.domain.media import FAILURE_MESSAGES, FailureCode
from mechshare.entrypoints.http.protocol.errors import STATUSES, status_of
from tests.architecture.source import MODULES, name_of, tree_of
from tests.domain.test_errors import JAPANESE, LEAVES, built, leaves_of

FAMILIES = [
    cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, DomainException) and "code" not in vars(cls)
]
TRANSLATED = {"en", "ja"}


def translations() -> list[tuple[str, ast.expr, ast.expr]]:
    """Returns (place, English, Japanese) of every pair of `en` and `ja` in the source, in calls and in mappings."""
    found = []
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call):
                pairs = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            elif isinstance(node, ast.Dict):
                pairs = {
                    key.value: value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and isinstance(key.value, str)
                }
            else:
                continue
            if set(pairs) >= TRANSLATED:
                found.append((f"{name_of(path)}:{node.lineno}", pairs["en"], pairs["ja"]))
    return found


def words_of(text: ast.expr) -> str:
    """Returns the literal text, without expressions and names of facts."""
    constants = [node.value for node in ast.walk(text) if isinstance(node, ast.Constant)]
    return "".join(re.sub(r"\{\w+\}", "", words) for words in constants if isinstance(words, str))


def test_every_family_has_a_status_and_every_status_a_family():
    families = [family for family in FAMILIES if family is not DomainException]
    assert len(families) > 10
    assert {family.__name__ for family in families} - {family.__name__ for family in STATUSES} == set()
    assert len(set(STATUSES.values())) == len(STATUSES)
    assert all(400 <= status < 600 for status in STATUSES.values())


@pytest.mark.parametrize("leaf", leaves_of(DomainException), ids=lambda leaf: leaf.__name__)
def test_every_error_has_exactly_one_status(leaf):
    assert len([family for family in STATUSES if issubclass(leaf, family)]) == 1


def test_the_family_determines_the_status():
    assert {status_of(built(leaf)) for leaf in LEAVES} <= set(STATUSES.values())
    assert status_of(errors.MechanismNotFound()) == 404
    assert status_of(errors.CannotModifySelf()) == 409


def test_no_two_errors_of_the_project_share_a_code():
    codes = [leaf.code for leaf in leaves_of(DomainException)]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_of_processing_is_explained_in_every_language(code):
    explained = FAILURE_MESSAGES[code]
    assert set(explained) == set(LANGUAGES)
    assert explained["en"].endswith(".")
    assert explained["ja"].endswith("。")


def test_there_are_translations_to_check():
    assert len(translations()) > 50


@pytest.mark.parametrize(
    ("english", "japanese"), [pytest.param(en, ja, id=place) for place, en, ja in translations()]
)
def test_japanese_is_japanese_and_english_is_not(english, japanese):
    if not words_of(english).strip(" :"):
        return  # a passed argument, or facts alone
    assert JAPANESE.search(words_of(japanese))
    assert not JAPANESE.search(words_of(english))

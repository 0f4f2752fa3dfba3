"""The whole error tree, found by introspection, so that the tests include every new leaf."""

import importlib
import pkgutil
import re
from string import Formatter

import pytest

from mechshare import domain
from mechshare.domain import errors
from mechshare.domain.errors import LANGUAGES, DomainException, InvalidField, MalformedRequest

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


for found in pkgutil.iter_modules(domain.__path__):
    # A leaf may be defined in the module of its concept.
    importlib.import_module(f"{domain.__name__}.{found.name}")


def leaves_of(family: type[DomainException]) -> list[type[DomainException]]:
    below = [leaf for child in family.__subclasses__() for leaf in leaves_of(child)]
    return ([family] if "code" in vars(family) else []) + below


LEAVES = leaves_of(DomainException)
FAMILIES = [family for family in DomainException.__subclasses__() if family.__module__ == errors.__name__]


def facts_of(leaf: type[DomainException]) -> dict[str, set[str]]:
    """Returns the names of facts in each language's message."""
    return {
        language: {name for _, name, _, _ in Formatter().parse(leaf.messages[language]) if name}
        for language in LANGUAGES
    }


def built(leaf: type[DomainException]) -> DomainException:
    if leaf is InvalidField:
        return InvalidField("title", en="is too long.", ja="長すぎます。")
    if leaf is MalformedRequest:
        return MalformedRequest(problem="cut short", details=[("title", "is missing")])
    names = facts_of(leaf)["en"]
    return leaf(**dict.fromkeys(names, 7))


def test_there_are_leaves_to_check():
    assert len(LEAVES) > 25


def test_every_code_is_unique_and_spelt_as_a_constant():
    codes = [leaf.code for leaf in LEAVES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code) for code in codes)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_messages_in_every_language_use_the_same_facts(leaf):
    assert set(leaf.messages) == set(LANGUAGES)
    if leaf is not InvalidField:
        needed = facts_of(leaf)
        assert needed["en"] == needed["ja"]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_leaf_has_a_message_for_people(leaf):
    error = built(leaf)
    for language in LANGUAGES:
        text = error.message_in(language)
        assert "{" not in text
        assert text == text.strip()
    assert str(error) == error.message == error.message_in("en")
    assert error.message_in("tlh") == error.message
    assert JAPANESE.search(error.message_in("ja"))
    assert not JAPANESE.search(error.message)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_message_is_whole_sentences(leaf):
    if leaf in (InvalidField, MalformedRequest):
        return  # a fact contains their sentence
    error = built(leaf)
    assert error.message.endswith(".")
    assert error.message_in("ja").endswith("。")


@pytest.mark.parametrize(
    "leaf", [leaf for leaf in LEAVES if facts_of(leaf)["en"]], ids=lambda leaf: leaf.__name__
)
def test_a_leaf_without_its_facts_cannot_be_created(leaf):
    with pytest.raises((KeyError, TypeError)):
        leaf()


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_every_leaf_belongs_to_one_family(leaf):
    if leaf.__module__ == errors.__name__:
        assert len([family for family in FAMILIES if issubclass(leaf, family)]) == 1


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_family_has_leaves_and_no_code(family):
    assert leaves_of(family)
    assert "code" not in vars(family)


def test_facts_are_inserted_and_never_used_as_a_format():
    error = errors.NameTaken(field="{field} {0.__class__} %s")
    assert error.message == "{field} {0.__class__} %s is already in use. Choose another."


def test_a_rate_limit_error_says_when_to_retry():
    error = errors.TooManyRequests(retry_after=9)
    assert error.retry_after == 9
    assert "9 seconds" in error.message

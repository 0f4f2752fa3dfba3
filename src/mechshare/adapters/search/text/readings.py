"""Readings of Japanese words, by SudachiPy if the extra `mechshare[ja]` is installed: 歯車 is read はぐるま."""

import importlib
import importlib.util
import re
import threading
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from mechshare.adapters.search.text.spelling import as_hiragana, spelled

HAS_READINGS = all(importlib.util.find_spec(name) for name in ("sudachipy", "sudachidict_small"))
"""Whether documents get readings. Those that were indexed without them get them by `mechshare reindex`."""

_KANJI = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_local = threading.local()


def readings_of(run: str) -> Iterator[tuple[str, int, int]]:
    """Yields (reading, start, end) of each word with kanji in `run`, and of each run of nouns as a whole.

    Yields nothing without SudachiPy.
    """
    if not HAS_READINGS or not _KANJI.search(run):
        return
    words = [(word.begin(), word.end(), word.reading_form()) for word in _tokenizer().tokenize(run)]
    for start, end, reading in words:
        if _KANJI.search(run[start:end]) and reading:
            yield _unified(reading), start, end
    for start, end, reading in _compounds(run, words):
        yield _unified(reading), start, end


def _compounds(run: str, words: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Yields neighbouring words of kanji joined: 遊星 and 歯車 give ユウセイハグルマ."""
    for one, other in pairwise(words):
        if all(len(_KANJI.findall(run[start:end])) == end - start for start, end, _ in (one, other)):
            yield one[0], other[1], one[2] + other[2]


@cache
def _unified(reading: str) -> str:
    return as_hiragana(spelled(reading).text.replace("ー", ""))


def _tokenizer() -> Any:
    """Returns the tokenizer of this thread: threads cannot share one."""
    if not hasattr(_local, "tokenizer"):
        sudachi = importlib.import_module("sudachipy")
        dictionary = sudachi.Dictionary(dict="small")
        _local.tokenizer = dictionary.create(mode=sudachi.SplitMode.A)
    return _local.tokenizer

"""A word is found in every text that contains it: after another word, joined to it, and as a part of a compound."""

from itertools import permutations

import pytest

from mechshare.adapters.search.text.query import parse_query
from mechshare.adapters.search.text.tokenizer import index_text

WORDS = """
    アーム イコライザ インサート ウインチ ウエイト ウォーム エネルギー カー カム キー キャリア ギヤ ギア クランク ゲージ
    ゲイジ コロ コンベヤー サーボ シャフト スクリュー スロー タイヤ ディスプレイ トー ネジ ハブ バー バネ バッテリー
    フェイス プーリー ボウル モーター ヤスリ ヤング率 リンク ローラー 回転 終端 歯車 四節 取り付け ばね わく
""".split()  # noqa: SIM905 - a list of forty strings would be a column


@pytest.mark.parametrize("joint", [" ", "・", "-", ""])
def test_each_of_two_words_is_found(joint: str) -> None:
    clauses = {word: parse_query(word).clauses + parse_query(f'"{word}"').clauses for word in WORDS}

    missed = []
    for pair in permutations(WORDS, 2):
        title = joint.join(pair)
        line = f" {index_text(title)} "
        missed += [
            (title, clause)
            for word in pair
            for clause in clauses[word]
            if not any(phrase.pattern in line for phrase in clause.phrases)
        ]

    assert missed == []

"""The rows of the benchmark are reproducible and realistic."""

from bench.data import FIRST, mechanism_batches, new_mechanisms, user_rows
from bench.texts import beginnings, questions

from mechshare.domain.ids import is_id
from mechshare.domain.statements import clean_description, clean_title

COUNT = 500


def made():
    owners = [row[0] for row in user_rows(COUNT)]
    (batch,) = mechanism_batches(COUNT, owners)
    return batch


def test_the_same_rows_are_made_each_time():
    assert made() == made()
    assert new_mechanisms(20) == new_mechanisms(20)
    assert questions() == questions()
    assert beginnings() == beginnings()


def test_rows_are_like_those_that_mechshare_writes():
    for id, owner, title, description, *_ in made().mechanisms:
        assert is_id(id)
        assert is_id(owner)
        assert clean_title(title) == title
        assert clean_description(description) == description


def test_texts_are_japanese_and_english_and_of_many_lengths():
    titles = [row[2] for row in made().mechanisms]
    lengths = [len(row[3]) for row in made().mechanisms]
    assert sum(title.isascii() for title in titles) > COUNT / 10
    assert sum(not title.isascii() for title in titles) > COUNT / 10
    assert min(lengths) < 100 < 400 < max(lengths)


def test_mechanisms_have_increasing_times_and_a_category():
    batch = made()
    times = [row[9] for row in batch.mechanisms]
    assert times == sorted(set(times))
    assert times[0] >= FIRST
    assert {row[1] for row in batch.categories} == {row[0] for row in batch.mechanisms}

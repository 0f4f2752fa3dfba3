import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mechshare.domain.blobs import BlobFacts, BlobRole
from mechshare.domain.derived_files import DerivedFiles
from mechshare.domain.errors import (
    CategoryNotFound,
    DomainException,
    InvalidField,
    NothingToRetry,
    NotReady,
    WithdrawnByModerator,
)
from mechshare.domain.failed_originals import OriginalDeleted, deletion_due_at, processing_retried
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanism_files import derived_references
from mechshare.domain.mechanism_sorts import MechanismSort, sort_key
from mechshare.domain.mechanisms import MAX_DURATION, clean_duration
from mechshare.domain.media import FailureCode, MediaFacts, ProcessingFailure
from mechshare.domain.processing import PENDING, READY, Processing, ProcessingState
from mechshare.domain.statements import (
    MAX_CATEGORIES,
    Statement,
    clean_categories,
    clean_description,
    clean_title,
)
from mechshare.domain.visibility import Visibility
from tests.domain.values import AN_ORIGINAL, NOW, OTHER, OWNER, a_mechanism

LATER = NOW + timedelta(minutes=5)
FAILURE = ProcessingFailure(code=FailureCode.CRASHED, detail="ValueError")
FACTS = MediaFacts(
    width=320,
    height=240,
    duration_ms=2345,
    frame_count=47,
    frame_rate=20.0,
    codec="gif",
    size=1000,
    sha256="0" * 64,
)
FILES = DerivedFiles(
    video=BlobFacts(key="media/m/1-a.mp4", size=3, sha256="a" * 64),
    thumbnail=BlobFacts(key="media/m/1-b.webp", size=2, sha256="b" * 64),
    preview=BlobFacts(key="media/m/1-c.webp", size=1, sha256="c" * 64),
)
NOT_READY = [
    PENDING,
    Processing(state=ProcessingState.PROCESSING),
    Processing(state=ProcessingState.FAILED, failure=FAILURE),
]


def test_a_ready_mechanism_can_be_published():
    published = a_mechanism(processing=READY).publish(LATER)
    assert (published.is_published, published.updated_at) == (True, LATER)


@pytest.mark.parametrize("processing", NOT_READY, ids=lambda processing: processing.state)
def test_an_unready_mechanism_cannot_be_published(processing):
    with pytest.raises(NotReady) as refused:
        a_mechanism(processing=processing).publish(LATER)
    assert refused.value.facts == {"state": processing.state.value}


def test_publishing_and_withdrawing_again_change_nothing():
    published = a_mechanism(processing=READY).publish(NOW)
    assert published.publish(LATER) is published

    withdrawn = published.withdraw(LATER)
    assert not withdrawn.is_published
    assert withdrawn.withdraw(LATER + timedelta(1)) is withdrawn


def test_the_time_of_publication_is_the_first_for_everybody():
    made = a_mechanism(processing=READY)
    assert (made.published_at, made.new_since) == (None, made.created_at)
    days = [LATER + timedelta(days=number) for number in range(7)]
    few = made.shown_to(Visibility.PRIVATE, days[0]).publish(days[1])
    assert few.shown_to(Visibility.INTERNAL, days[2]).published_at == days[1]
    public = few.shown_to(Visibility.PUBLIC, days[3])
    assert (public.published_at, public.new_since) == (days[3], days[3])
    again = public.shown_to(Visibility.PRIVATE, days[4]).withdraw(days[4]).publish(days[5])
    assert again.shown_to(Visibility.PUBLIC, days[6]).published_at == days[3]


def test_an_owner_may_publish_again_what_they_withdrew_themselves():
    withdrawn = a_mechanism(processing=READY).publish(NOW).withdraw(NOW)
    assert withdrawn.publish(LATER).is_published


def test_a_moderators_withdrawal_lasts_until_it_is_lifted():
    withdrawn = a_mechanism(processing=READY).publish(NOW).withdraw_for("  off topic ", NOW)

    with pytest.raises(WithdrawnByModerator) as refused:
        withdrawn.publish(LATER)
    assert "off topic" in refused.value.message
    assert withdrawn.withdraw(LATER).withdrawn_reason == "off topic"
    assert withdrawn.reinstate(LATER).publish(LATER).is_published


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "a\x00b"])
def test_a_moderators_reason_must_be_readable(reason):
    with pytest.raises(InvalidField) as refused:
        a_mechanism(is_published=True, processing=READY).withdraw_for(reason, NOW)
    assert refused.value.field == "reason"


def test_only_a_failed_mechanism_can_be_retried():
    failed = a_mechanism(original=AN_ORIGINAL).processing_failed(FAILURE, NOW)
    assert processing_retried(failed, LATER).processing == PENDING

    for processing in (*NOT_READY[:2], READY):
        with pytest.raises(NothingToRetry) as refused:
            processing_retried(a_mechanism(processing=processing), LATER)
        assert refused.value.facts == {"state": processing.state.value}


def test_a_failed_mechanism_whose_file_is_deleted_cannot_be_retried():
    with pytest.raises(OriginalDeleted):
        processing_retried(a_mechanism().processing_failed(FAILURE, NOW), LATER)


def test_only_a_stored_file_that_was_never_ready_is_due_to_be_deleted():
    failed = a_mechanism(original=AN_ORIGINAL).processing_failed(FAILURE, NOW)
    month = timedelta(days=30)
    assert deletion_due_at(failed, month) == NOW + month
    assert deletion_due_at(failed, None) is None
    for other in (
        replace(failed, original=None),
        replace(failed, file_url="blob:media/x/1-video.mp4"),
        replace(failed, processing=READY),
        replace(failed, processing=PENDING),
    ):
        assert deletion_due_at(other, month) is None


def test_processing_sets_facts_files_and_a_duration_in_milliseconds():
    ready = a_mechanism().processing_started(NOW).processed(FACTS, FILES, LATER)

    assert ready.processing == READY
    assert ready.media == FACTS
    assert ready.duration == 2.345
    assert ready.file_url == "blob:media/m/1-a.mp4"
    assert ready.thumbnail_url == "blob:media/m/1-b.webp"
    assert ready.preview_url == "blob:media/m/1-c.webp"


def test_a_mechanism_is_edited_by_its_owner():
    assert a_mechanism().is_owned_by(OWNER)
    assert not a_mechanism().is_owned_by(OTHER)


def test_a_description_is_cleaned_and_the_identity_kept():
    mechanism = a_mechanism()
    statement = Statement(title=" か\u3099 ", description="a\r\nb", categories=["gears", "gears"])
    described = mechanism.described(statement, LATER)
    assert (described.title, described.description, described.categories) == ("が", "a\nb", ("gears",))
    assert (described.id, described.created_at, described.updated_at) == (mechanism.id, NOW, LATER)


class Life(RuleBasedStateMachine):
    """Invariants of a mechanism after any sequence of changes."""

    def __init__(self):
        super().__init__()
        self.mechanism = a_mechanism(original=AN_ORIGINAL)
        self.now = NOW

    def attempt(self, change):
        self.now += timedelta(seconds=1)
        before = self.mechanism
        try:
            self.mechanism = change(self.mechanism)
        except DomainException:
            assert self.mechanism is before

    @rule()
    def publish(self):
        self.attempt(lambda m: m.publish(self.now))

    @rule()
    def withdraw(self):
        self.attempt(lambda m: m.withdraw(self.now))

    @rule(reason=st.sampled_from(["", "spam", "x" * 600]))
    def withdraw_for(self, reason):
        self.attempt(lambda m: m.withdraw_for(reason, self.now))

    @rule()
    def reinstate(self):
        self.attempt(lambda m: m.reinstate(self.now))

    @rule()
    def begin_and_fail(self):
        if self.mechanism.processing.state is ProcessingState.PENDING:
            self.attempt(lambda m: m.processing_started(self.now).processing_failed(FAILURE, self.now))

    @rule()
    def begin_and_succeed(self):
        if self.mechanism.processing.state is ProcessingState.PENDING:
            self.attempt(lambda m: m.processing_started(self.now).processed(FACTS, FILES, self.now))

    @rule()
    def retry(self):
        self.attempt(lambda m: processing_retried(m, self.now))

    @invariant()
    def what_is_published_can_be_watched(self):
        if self.mechanism.is_published:
            assert self.mechanism.processing == READY
            assert self.mechanism.file_url is not None
            assert self.mechanism.withdrawn_reason is None

    @invariant()
    def a_failure_stands_exactly_while_processing_has_failed(self):
        processing = self.mechanism.processing
        assert (processing.failure is not None) == (processing.state is ProcessingState.FAILED)

    @invariant()
    def time_does_not_run_backwards(self):
        assert self.mechanism.created_at <= self.mechanism.updated_at <= self.now


TestLife = Life.TestCase


@pytest.mark.parametrize("title", ["歯車", "x", "x" * 200, "四節リンク機構 (crank-rocker)"])
def test_titles_of_one_to_two_hundred_characters_are_accepted(title):
    assert clean_title(title) == title


@pytest.mark.parametrize("title", ["", "  ", "x" * 201, "a\nb", "a\x00"])
def test_other_titles_are_refused(title):
    with pytest.raises(InvalidField) as refused:
        clean_title(title)
    assert refused.value.field == "title"


def test_a_description_may_be_empty_and_long_and_have_lines():
    assert clean_description("") == ""
    assert clean_description("x" * 20_000) == "x" * 20_000
    assert clean_description("a\r\nb\tc") == "a\nb\tc"
    with pytest.raises(InvalidField):
        clean_description("x" * 20_001)


def test_each_category_is_kept_once_in_the_order_given():
    assert clean_categories(["gears", "cams", "gears"]) == ("gears", "cams")
    assert clean_categories([]) == ()


def test_too_many_categories_are_refused():
    names = [f"c{number:02}" for number in range(MAX_CATEGORIES + 1)]
    assert len(clean_categories(names[:-1])) == MAX_CATEGORIES
    with pytest.raises(InvalidField) as refused:
        clean_categories(names)
    assert refused.value.field == "categories"


@pytest.mark.parametrize("name", ["", "Gears", "a\x00", "\ud800", "x" * 41, "a b", "歯車", "../x"])
def test_a_text_that_can_be_no_category_id_is_not_found(name):
    with pytest.raises(CategoryNotFound):
        clean_categories(["gears", name])


def test_a_processed_mechanism_has_stored_derivatives():
    references = derived_references(a_mechanism(id=MechanismId("m")), FILES, LATER)
    assert {one.role: (one.key, one.size, one.sha256) for one in references} == {
        BlobRole.VIDEO: ("media/m/1-a.mp4", 3, "a" * 64),
        BlobRole.THUMBNAIL: ("media/m/1-b.webp", 2, "b" * 64),
        BlobRole.PREVIEW: ("media/m/1-c.webp", 1, "c" * 64),
    }
    assert {(one.owner_id, one.user_id, one.created_at) for one in references} == {("m", OWNER, LATER)}


def test_a_preview_that_is_the_thumbnail_is_one_file():
    same = replace(FILES, preview=FILES.thumbnail)
    references = derived_references(a_mechanism(id=MechanismId("m")), same, LATER)
    assert {one.key: one.role for one in references} == {
        "media/m/1-a.mp4": BlobRole.VIDEO,
        "media/m/1-b.webp": BlobRole.THUMBNAIL,
    }


@pytest.mark.parametrize(
    ("given_", "expected"),
    [(0.001, 0.001), (2.34567, 2.346), (1, 1.0), (MAX_DURATION, MAX_DURATION), (0.0014, 0.001)],
)
def test_a_duration_is_kept_to_the_millisecond(given_, expected):
    cleaned = clean_duration(given_)
    assert cleaned == expected
    assert isinstance(cleaned, float)


@pytest.mark.parametrize(
    "duration",
    [0, -1, 0.0009, 1e-300, MAX_DURATION + 0.001, math.inf, -math.inf, math.nan, 10**400, -(10**400)],
)
def test_an_impossible_duration_is_refused(duration):
    with pytest.raises(InvalidField) as refused:
        clean_duration(duration)
    assert refused.value.field == "duration"


def test_each_order_compares_the_field_in_its_name():
    mechanism = a_mechanism(updated_at=LATER)
    keys = {sort: sort_key(mechanism, sort) for sort in MechanismSort}
    assert keys == {
        MechanismSort.NEWEST: NOW,
        MechanismSort.OLDEST: NOW,
        MechanismSort.RECENTLY_PUBLISHED: NOW,
        MechanismSort.RECENTLY_CHANGED: LATER,
        MechanismSort.TITLE: "歯車",
        MechanismSort.MOST_RELIABLE: 0,
        MechanismSort.PERIOD: 0.0,
        MechanismSort.POPULAR: 0.0,
        MechanismSort.VIEWS: 0,
        MechanismSort.LIKES: 0,
        MechanismSort.COMMENTS: 0,
    }

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.ids import JobId
from mechshare.domain.jobs import (
    DEADLINE,
    HEARTBEAT,
    INDEXING,
    LEASE,
    MAX_ATTEMPTS,
    Attempt,
    JobKind,
    JobState,
    backoff,
    file_number,
    new_job,
)
from mechshare.domain.media import FailureCode, ProcessingFailure
from tests.domain.values import NOW

JOB = new_job(JobId("j"), JobKind.PROCESS_MECHANISM_FILE, "m", now=NOW, request_id="r")


def test_a_new_job_is_due_at_once_without_attempts():
    assert (JOB.state, JOB.attempt, JOB.fence) == (JobState.QUEUED, 0, 0)
    assert JOB.run_after == JOB.created_at == NOW
    assert JOB.request_id == "r"


def test_the_first_backoffs_double():
    assert [backoff(attempt).total_seconds() for attempt in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]


@given(st.integers(1, 10**9))
def test_no_backoff_exceeds_a_minute_or_is_below_the_one_before(attempt):
    assert timedelta(0) < backoff(attempt) <= backoff(attempt + 1) <= timedelta(minutes=1)


def test_an_attempt_late_in_a_day_shares_no_file_number_with_the_next_series():
    last = DEADLINE // backoff(10**9)
    assert file_number(1, last) < file_number(2, 1)


def former(*codes):
    return [
        Attempt(number=number, started_at=NOW, ended_at=NOW, step="", failure=ProcessingFailure(code=code))
        for number, code in enumerate(codes, start=1)
    ]


@pytest.mark.parametrize("attempt", range(1, MAX_ATTEMPTS + 2))
def test_a_job_is_tried_five_times(attempt):
    before = former(*[FailureCode.CRASHED] * (attempt - 1))

    assert JOB.may_be_tried_again(NOW, before) is (attempt < MAX_ATTEMPTS)


def test_waiting_for_a_dependency_is_no_attempt():
    before = former(*[FailureCode.UNAVAILABLE] * 15, *[FailureCode.WORKER_LOST] * 3)

    assert JOB.may_be_tried_again(NOW, before)
    assert not JOB.may_be_tried_again(NOW, [*before, *former(FailureCode.TIMED_OUT)])


def test_a_job_is_not_tried_again_after_its_deadline():
    tried = replace(JOB, attempt=1)
    just_before = NOW + DEADLINE - timedelta(microseconds=1)

    assert tried.may_be_tried_again(just_before, [])
    assert not tried.is_overdue(just_before)
    assert not tried.may_be_tried_again(NOW + DEADLINE, [])
    assert tried.is_overdue(NOW + DEADLINE)


@pytest.mark.parametrize("kind", INDEXING)
def test_a_job_that_indexes_a_mechanism_is_tried_until_it_is_done(kind):
    job = replace(JOB, kind=kind, attempt=100)
    much_later = NOW + 100 * DEADLINE

    assert job.may_be_tried_again(much_later, former(*[FailureCode.CRASHED] * 99))
    assert not job.is_overdue(much_later)


def test_a_lease_outlives_a_missed_heartbeat():
    assert 2 * HEARTBEAT + timedelta(seconds=1) <= LEASE


@pytest.mark.parametrize("state", JobState)
def test_a_state_tells_whether_the_job_has_ended(state):
    assert state.has_ended is (state not in (JobState.QUEUED, JobState.RUNNING))

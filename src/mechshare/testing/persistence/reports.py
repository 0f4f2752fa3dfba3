"""The contract suite of databases: reports to the moderators."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.comments import CommentId
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import ReportId, UserId
from mechshare.domain.pagination import PageRequest
from mechshare.domain.reports import Decision, Report, ReportDecided
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user

_LATER = NOW + timedelta(hours=1)


def a_report(about: User, reporter: User, **changes: object) -> Report:
    entity = Report(
        id=ReportId(new_id()),
        mechanism_id=None,
        user_id=about.id,
        reporter_id=reporter.id,
        reason="著作権 🦾",
        created_at=NOW,
    )
    return replace(entity, **changes)  # type: ignore[arg-type]


async def add_reports(database: Database, *reports: Report) -> None:
    async with database.begin() as tx:
        for report in reports:
            await tx.reports.add(report)


async def test_undecided_reports_are_listed_oldest_first_until_one_decision(database: Database) -> None:
    about, reporter = await save_user(database), await save_user(database)
    first, second = a_report(about, reporter), a_report(about, reporter, created_at=_LATER)
    await add_reports(database, second, first)
    decided = first.decided(Decision.BLOCK, "spam", UserId(new_id()), _LATER)
    async with database.begin() as tx:
        page = await tx.reports.find_undecided(PageRequest(limit=1))
        assert (page.items, page.total) == ((first,), 2)
        rest = await tx.reports.find_undecided(PageRequest(limit=1, after=page.next))
        assert (rest.items, rest.next) == ((second,), None)
        assert await tx.reports.find_by_id(first.id) == first
        await tx.reports.decide(decided)
        with pytest.raises(ReportDecided):
            await tx.reports.decide(decided)
    async with database.read() as tx:
        assert await tx.reports.find_by_id(first.id) == decided
        assert (await tx.reports.find_undecided(PageRequest(limit=9))).items == (second,)
        assert await tx.reports.find_undecided_of(reporter.id) == (second,)
        assert await tx.reports.find_of_reporter(reporter.id, limit=9) == (second, decided)
        assert await tx.reports.find_of_reporter(reporter.id, limit=1) == (second,)
        assert await tx.reports.find_decided_about(about.id, limit=9) == (decided,)
        assert await tx.reports.find_decided_about(reporter.id, limit=9) == ()


async def test_a_report_needs_those_it_names_and_ends_with_each_of_them(database: Database) -> None:
    about, reporter, owner = [await save_user(database) for _ in range(3)]
    (mechanism,) = await save_mechanisms(database, a_mechanism(owner))
    of_mechanism = a_report(owner, reporter, mechanism_id=mechanism.id)
    of_user, by_leaver = a_report(about, owner), a_report(owner, reporter)
    for absent in ("user_id", "reporter_id"):
        with pytest.raises(UserNotFound):
            await add_reports(database, replace(of_user, **{absent: UserId(new_id())}))  # type: ignore[arg-type]
    await add_reports(database, of_mechanism, of_user, by_leaver)
    of_comment = a_report(
        owner, reporter, mechanism_id=mechanism.id, comment_id=CommentId(new_id()), created_at=_LATER
    )
    await add_reports(database, of_comment)
    async with database.begin() as tx:
        assert await tx.reports.find_by_id(of_comment.id) == of_comment
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
        assert await tx.reports.find_by_id(of_mechanism.id) is None
        assert await tx.reports.find_by_id(of_comment.id) is None
        await tx.users.delete(about.id)
        assert await tx.reports.find_by_id(of_user.id) is None
        await tx.users.delete(reporter.id)
        assert await tx.reports.find_by_id(by_leaver.id) is None

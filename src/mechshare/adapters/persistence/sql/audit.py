"""The audit log in SQL."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from mechshare.adapters.persistence.sql.pagination import PagedQuery, paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import audit
from mechshare.domain.audit import EVERY_ENTRY, AuditAction, AuditEntry, AuditFilter
from mechshare.domain.ids import UserId
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.ports.persistence.audit import AuditLog

_ENTRY = record_of(AuditEntry, audit)
_INSERT = insert(audit)
_FAILED = select(func.count()).where(
    # A literal: partial indexes don't match a parameter.
    audit.c.action == literal_column(f"'{AuditAction.SIGN_IN_FAILED.value}'"),
    audit.c.at.between(bindparam("since"), bindparam("until")),
)
_OF_SUBJECT = audit.c.subject == bindparam("subject")
_FROM_ADDRESS = audit.c.address == bindparam("address")
_FAILED_SIGN_INS = {
    (False, False): _FAILED,
    (True, False): _FAILED.where(_OF_SUBJECT),
    (False, True): _FAILED.where(_FROM_ADDRESS),
    (True, True): _FAILED.where(_OF_SUBJECT, _FROM_ADDRESS),
}
"""By (is a subject given, is an address given)."""
_CONDITIONS = {
    "action": audit.c.action == bindparam("action"),
    "actor_id": audit.c.actor_id == bindparam("actor_id"),
    "subject": _OF_SUBJECT,
    "address": _FROM_ADDRESS,
    "since": audit.c.at >= bindparam("since"),
    "until": audit.c.at < bindparam("until"),
}
_BY_PERSON = audit.c.actor_id == bindparam("person")
_OF_NAME = audit.c.subject == bindparam("name")
_ERASE_ADDRESS = update(audit).values(address="")
_ERASE_NAME = _ERASE_ADDRESS.values(subject=bindparam("new_subject"))
_ERASE_NAME_OF_PERSON = _ERASE_NAME.where(_BY_PERSON, _OF_NAME)
_ERASE_NAME_OF_NOBODY = _ERASE_NAME.where(audit.c.actor_id.is_(None), _OF_NAME)
_ERASE_ADDRESSES = _ERASE_ADDRESS.where(_BY_PERSON)
_DELETE_OLDER = delete(audit).where(
    audit.c.id.in_(
        select(audit.c.id)
        .where(audit.c.at < bindparam("than", type_=audit.c.at.type))
        .order_by(audit.c.at, audit.c.id)
        .limit(bindparam("limit"))
    )
)


@cache
def _newest(names: tuple[str, ...]) -> PagedQuery:
    """Returns the list of the entries that meet the conditions with these names."""
    conditions = [_CONDITIONS[name] for name in names]
    return paged_query(
        select(audit).where(*conditions),
        key=audit.c.at,
        id=audit.c.id,
        descending=True,
        counted=select(audit.c.id).where(*conditions),
    )


class SqlAuditLog(AuditLog):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, entry: AuditEntry) -> None:
        await self._statements.change(_INSERT, _ENTRY.values(entry))

    async def failed_sign_ins(
        self, since: datetime, until: datetime, *, subject: str = "", address: str = ""
    ) -> int:
        await self._statements.advisory_lock(f"sign-ins {subject} {address}")
        given = {name: value for name, value in (("subject", subject), ("address", address)) if value}
        counted = _FAILED_SIGN_INS[bool(subject), bool(address)]
        count: int = (await self._statements.row(counted, {"since": since, "until": until, **given}))[0]
        return count

    async def find_all(self, request: PageRequest, conditions: AuditFilter = EVERY_ENTRY) -> Page[AuditEntry]:
        return await paged(
            self._statements,
            _newest(tuple(conditions.values)),
            request,
            value=_ENTRY.value,
            position=lambda entry: Position(key=entry.at, id=entry.id),
            parameters=conditions.values,
        )

    async def erase_person(self, user_id: UserId, names: Sequence[str]) -> None:
        for name in names:
            renamed = {"name": name, "new_subject": user_id}
            await self._statements.change(_ERASE_NAME_OF_PERSON, {**renamed, "person": user_id})
            await self._statements.change(_ERASE_NAME_OF_NOBODY, renamed)
        await self._statements.change(_ERASE_ADDRESSES, {"person": user_id})

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        return await self._statements.change(_DELETE_OLDER, {"than": than, "limit": limit})

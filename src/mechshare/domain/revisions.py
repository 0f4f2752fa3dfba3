"""Revisions: what the author stated of a mechanism before a later statement replaced it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from mechshare.domain.errors import NotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.main_files import MainFile, without_main_file
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.named_values import NamedValue
from mechshare.domain.policy import Viewer, can_edit
from mechshare.domain.shares import Access
from mechshare.domain.statements import StatementChanges

MAX_REVISIONS = 100
"""Former revisions of one mechanism; a further one replaces the oldest."""


class RevisionNotFound(NotFound):
    code = "REVISION_NOT_FOUND"
    messages = {
        "en": "The mechanism has no such revision, or it was pruned.",
        "ja": "このリビジョンは存在しないか、整理されました。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a revision consists of. Changes of anything else make none. `file` is the number of the main file."""

    title: str
    description: str
    parameters: tuple[NamedValue, ...]
    license: str | None
    file: int = 1

    @property
    def statement_changes(self) -> StatementChanges:
        """What the author states to restore the content."""
        return StatementChanges(
            title=self.title,
            description=self.description,
            parameters=self.parameters,
            license=self.license,
        )

    def applied_to(self, mechanism: Mechanism) -> Mechanism:
        """Returns the mechanism with what its author states in this content."""
        return replace(
            mechanism,
            title=self.title,
            description=self.description,
            parameters=self.parameters,
            license=self.license,
        )

    def changed_from(self, before: "Content") -> tuple[str, ...]:
        """Returns the names of the fields that differ."""
        return tuple(name for name in _names() if getattr(self, name) != getattr(before, name))


def _names() -> list[str]:
    return [field.name for field in fields(Content)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerRevision:
    """The content that a mechanism had up to its version `last_version`, until `replaced_by` changed it. `number`
    counts from 1. `was_published` when it was replaced: what only drafts said stays with their owner. `main_file` is
    set on the last revision that had this file, until it is deleted."""

    mechanism_id: MechanismId
    number: int
    content: Content
    last_version: int
    was_published: bool
    replaced_by: UserId
    replaced_at: datetime
    main_file: MainFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision, former or current: what changed in it, by whom and when. `made_by` and `changed` are None and empty
    for the oldest one that is left, unless it is the first. `main_file` is a former file that it shows, None if it has
    the current one or if its own was deleted."""

    number: int
    content: Content
    is_current: bool
    was_published: bool
    made_by: UserId | None
    made_at: datetime | None
    changed: tuple[str, ...]
    main_file: MainFile | None = None

    def applied_to(self, mechanism: Mechanism) -> Mechanism:
        """Returns the mechanism as it was, as far as its files are left."""
        revised = self.content.applied_to(mechanism)
        if self.content.file == content_of(mechanism).file:
            return revised
        return self.main_file.applied_to(revised) if self.main_file else without_main_file(revised)


def content_of(mechanism: Mechanism) -> Content:
    return Content(
        title=mechanism.title,
        description=mechanism.description,
        parameters=mechanism.parameters,
        license=mechanism.license,
        file=mechanism.original.number if mechanism.original else 1,
    )


def with_latest_texts(before: Mechanism, after: Mechanism) -> Mechanism:
    """Returns `after` so that texts stated while a former file is processed stay when it takes its place."""
    if after.original is None or after.replacement is None or content_of(before) == content_of(after):
        return after
    replacement = replace(after.replacement, restores=None)
    return replace(after, original=replace(after.original, replacement=replacement))


def restored_with_file(mechanism: Mechanism, former: Sequence[FormerRevision]) -> Mechanism:
    """Returns the mechanism with the texts that its waiting file brings back; `former` are its former revisions."""
    number = mechanism.replacement.restores if mechanism.replacement else None
    restored = next((one.content for one in former if one.number == number), content_of(mechanism))
    return restored.applied_to(mechanism)


def former_revision(
    before: Mechanism,
    number: int,
    replaced_by: UserId,
    replaced_at: datetime,
    main_file: MainFile | None = None,
) -> FormerRevision:
    """Returns the revision that was current before somebody replaced it, with its file if that was replaced."""
    return FormerRevision(
        mechanism_id=before.id,
        number=number,
        content=content_of(before),
        last_version=before.version,
        was_published=before.is_public,
        replaced_by=replaced_by,
        replaced_at=replaced_at,
        main_file=main_file,
    )


def revisions_of(mechanism: Mechanism, former: Sequence[FormerRevision]) -> tuple[Revision, ...]:
    """Returns all revisions, newest first; `former` are those of the mechanism, oldest first."""
    contents = [*(one.content for one in former), content_of(mechanism)]
    files = {one.content.file: one.main_file for one in former if one.main_file}
    first = former[0].number if former else 1
    revisions = []
    for place, content in enumerate(contents):
        is_first = first + place == 1
        replacing = former[place - 1] if place else None
        revisions.append(
            Revision(
                number=first + place,
                content=content,
                is_current=place == len(former),
                was_published=former[place].was_published if place < len(former) else mechanism.is_public,
                made_by=replacing.replaced_by if replacing else mechanism.user_id if is_first else None,
                made_at=replacing.replaced_at if replacing else mechanism.created_at if is_first else None,
                changed=content.changed_from(contents[place - 1]) if place else (),
                main_file=None if content.file == contents[-1].file else files.get(content.file),
            )
        )
    return tuple(reversed(revisions))


def sees_revision(viewer: Viewer, mechanism: Mechanism, one: Revision, shared: Access | None) -> bool:
    """Whether somebody who may see the mechanism may see this revision; only editors see what was never public."""
    return one.was_published or one.is_current or can_edit(viewer, mechanism, shared)


def revision_at(version: int, former: Sequence[tuple[int, int]]) -> int:
    """Returns the number of the revision that a mechanism had at its `version`. `former` are the number and the last
    version of each former one, oldest first; a pruned one counts as the oldest that is left."""
    seen = [number for number, last_version in former if last_version >= version]
    current = former[-1][0] + 1 if former else 1
    return seen[0] if seen else current

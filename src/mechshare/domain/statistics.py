"""How often a mechanism is viewed, downloaded, liked and discussed, and how popular this makes it."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import log2

from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import CategoryId, MechanismId, UserId

COUNTED_ONCE_IN = timedelta(minutes=5)
"""A viewer who opens a mechanism again within this time counts once."""
HALF_LIFE = timedelta(days=14)
"""A mechanism that is older by this time needs twice the weight to be as popular."""
MAX_DAYS = 366
"""Days of one series."""
DEFAULT_DAYS = 30
_VIEW, _DOWNLOAD, _LIKE, _COMMENT, _EVIDENCE = 1, 5, 10, 20, 30
"""What each adds to the weight of a mechanism."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_BOT = re.compile(
    r"(?<!cu)bot(?:\b|_)|crawl|spider|slurp|scrap|preview|archiver|monitor|uptime|pingdom|lighthouse|externalhit"
    r"|mediapartners|headless|feedfetcher|whatsapp/|\+https?://",
    re.IGNORECASE,
)
"""What programs call themselves. Cubot makes phones. Many programs name a page that explains them: `+https://…`."""


class VisitKind(StrEnum):
    """What a visitor does with a mechanism: look at it, or download its original or an attachment."""

    VIEW = "view"
    DOWNLOAD = "download"

    __hash__ = str.__hash__  # every view is hashed, and the hash of an enum's member is a function in Python


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of a mechanism that all who see it may read, at most 15 s old. `views` and `downloads` include those
    of its owner; `evidence` counts the claims that are not withdrawn. `popularity` orders the list of what is popular.
    """

    likes: int = 0
    comments: int = 0
    views: int = 0
    downloads: int = 0
    evidence: int = 0
    popularity: float = 0.0


NOTHING_COUNTED = Counts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The views and downloads of one day (UTC), and how many of them are the owner's own."""

    day: date
    views: int = 0
    own_views: int = 0
    downloads: int = 0
    own_downloads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyTraffic:
    """The traffic of one mechanism on one day."""

    mechanism_id: MechanismId
    day: date
    views: int = 0
    own_views: int = 0
    downloads: int = 0
    own_downloads: int = 0

    def plus(self, more: "DailyTraffic") -> "DailyTraffic":
        """Returns the sum of both, which are of the same mechanism and day."""
        return DailyTraffic(
            mechanism_id=self.mechanism_id,
            day=self.day,
            views=self.views + more.views,
            own_views=self.own_views + more.own_views,
            downloads=self.downloads + more.downloads,
            own_downloads=self.own_downloads + more.own_downloads,
        )


@dataclass(frozen=True, slots=True)
class StaleCounts:
    """What the counts of a mechanism are made of has changed since they were counted."""

    mechanism_id: MechanismId


@dataclass(frozen=True, slots=True, kw_only=True)
class Recounted:
    """Mechanisms that were counted again, and the categories and users whose public lists show any of them."""

    ids: Sequence[MechanismId]
    categories: Collection[CategoryId]
    users: Collection[UserId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


def day_in(field: str, text: str | None) -> date | None:
    """Returns the day that a caller writes as YYYY-MM-DD; None for none. Raises InvalidField, which names `field`."""
    if not text:
        return None
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass  # such as 30 February
    raise InvalidField(
        field, en="must be a date such as 2026-03-01.", ja="2026-03-01 のような日付にしてください。"
    )


def days_between(first: date | None, last: date | None, today: date) -> Days:
    """Returns the days of a series; by default the last 30, today included. Raises InvalidField."""
    end = last or today
    start = first or max(date.min, end - min(timedelta(days=DEFAULT_DAYS - 1), end - date.min))
    if start > end:
        raise InvalidField("from", en="must not be after 'to'.", ja="「to」以前の日付にしてください。")
    if (end - start).days >= MAX_DAYS:
        raise InvalidField(
            "from",
            en=f"must be at most {MAX_DAYS} days before 'to'. Request a longer period in parts.",
            ja=f"期間は {MAX_DAYS} 日までです。それより長い期間は分けて取得してください。",
        )
    return Days(first=start, last=end)


def is_bot(user_agent: str) -> bool:
    """Whether a program that names itself, or names nothing, sent the request; it counts neither as view nor as
    download."""
    return not user_agent.strip() or _BOT.search(user_agent) is not None


def popularity_of(counts: Counts, own_views: int, new_since: datetime) -> float:
    """Returns the number by which lists are ordered: a view by somebody else than the owner weighs 1, a download 5, a
    like 10, a comment 20, a claim 30, and the weight of all halves in HALF_LIFE after the publication.

    It is the binary logarithm of the weight plus the time of publication in half-lives. So it orders as the halved
    weight does at any time, and changes only with the counts. 0 for a mechanism without weight.
    """
    weight = (
        _VIEW * (counts.views - own_views)
        + _DOWNLOAD * counts.downloads
        + _LIKE * counts.likes
        + _COMMENT * counts.comments
        + _EVIDENCE * counts.evidence
    )
    if weight <= 0:
        return 0.0
    return log2(weight) + max(0.0, (new_since.replace(tzinfo=None) - _EPOCH) / HALF_LIFE)

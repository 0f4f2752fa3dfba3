"""Evidence for and against a mechanism: claims of its users, which are added, withdrawn and never edited."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType
from urllib.parse import urlsplit

from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.errors import Conflict, InvalidField, NotFound, UnauthorizedOperation
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Author, Mechanism
from mechshare.domain.named_values import NamedValue, clean_values
from mechshare.domain.reliability import Reliability, ReliabilityLevel
from mechshare.domain.text import clean_text
from mechshare.domain.users import Actor, Permission

ClaimId = NewType("ClaimId", str)
MAX_CLAIM_LENGTH = 5_000
MAX_REPLY_LENGTH = 5_000
MAX_LINK_LENGTH = 2_000
MAX_CLAIMS_PER_USER = 50
"""Claims of one user about one mechanism, withdrawn ones included."""
_DOI = re.compile(r"10\.[0-9]{4,9}/[!-~]{1,180}", re.ASCII)
"""The form of a DOI in practice (ISO 26324 allows more); it is never resolved."""
_DOI_PREFIXES = ("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "http://dx.doi.org/", "doi:")
_NEVER_IN_URLS = re.compile(r"[\s<>\"\\^`{|}]")


class ClaimNotFound(NotFound):
    code = "CLAIM_NOT_FOUND"
    messages = {
        "en": "The claim does not exist, or you have no access to it.",
        "ja": "主張が存在しないか、アクセス権がありません。",
    }


class ClaimClosed(Conflict):
    code = "CLAIM_CLOSED"
    messages = {
        "en": "The claim was withdrawn, or its author has replied already. Claims and replies are never edited.",
        "ja": "この主張は取り下げ済みか、すでに投稿者が返信しています。主張と返信は編集できません。",
    }


class TooManyClaims(Conflict):
    code = "TOO_MANY_CLAIMS"
    messages = {
        "en": "You have made {limit} claims about this mechanism, which is the maximum.",
        "ja": "この機構に対する主張が上限の {limit} 件に達しています。",
    }


class EvidenceMissing(Conflict):
    code = "EVIDENCE_MISSING"
    messages = {
        "en": "Level {level} needs claims of at least {needed} other people that support or reproduce the mechanism, "
        "and more than contradict it; {supporting} support it and {contradicting} contradict it.",
        "ja": "レベル {level} には、他の {needed} 人以上による「支持」または「再現」の主張が必要で、"
        "それが「反証」の人数を上回らなければなりません（現在は支持 {supporting} 人、反証 {contradicting} 人）。",
    }


class ClaimFileNotFound(NotFound):
    code = "CLAIM_FILE_NOT_FOUND"
    messages = {
        "en": "The claim has no file, or a moderator withdrew the claim.",
        "ja": "この主張にはファイルがないか、モデレーターが主張を取り下げました。",
    }


class ClaimKind(StrEnum):
    """What a claim says about the mechanism."""

    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    REPRODUCES = "reproduces"
    REFINES = "refines"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClaim:
    """What somebody claims, before it is checked."""

    kind: ClaimKind
    text: str
    link: str = ""
    doi: str = ""
    conditions: tuple[NamedValue, ...] = ()
    file: ReceivedFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`mechanism_version` is the version of the mechanism that the claim is about. `reply` is that of the mechanism's
    author; empty until there is one. `file` is what its maker sent with it. `withdrawn_by` is a moderator if it is not
    `user_id`."""

    id: ClaimId
    mechanism_id: MechanismId
    mechanism_version: int
    user_id: UserId
    kind: ClaimKind
    text: str
    link: str
    doi: str
    conditions: tuple[NamedValue, ...]
    created_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: UserId | None = None
    reply: str = ""
    replied_at: datetime | None = None
    file: ReceivedFile | None = None
    version: int = 0

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    @property
    def is_hidden(self) -> bool:
        """Whether a moderator withdrew the claim, which hides its texts from everyone."""
        return self.withdrawn_by not in (None, self.user_id)

    def withdraw(self, actor: Actor, now: datetime) -> "Claim":
        """Returns the claim as withdrawn by its author or a moderator; no-op if it is. Raises UnauthorizedOperation."""
        if self.user_id != actor.id and not actor.has_permission(Permission.WITHDRAW_ANY_MECHANISM):
            raise UnauthorizedOperation(permission=Permission.WITHDRAW_ANY_MECHANISM.value)
        if self.is_withdrawn:
            return self
        return replace(self, withdrawn_at=now, withdrawn_by=actor.id)

    def replied(self, text: str, now: datetime) -> "Claim":
        """Returns the claim with the reply of the mechanism's author. Raises InvalidField, ClaimClosed."""
        if self.is_withdrawn or self.reply:
            raise ClaimClosed()
        cleaned = clean_text("reply", text, min_length=1, max_length=MAX_REPLY_LENGTH, lines=True)
        return replace(self, reply=cleaned, replied_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoredClaim:
    """A claim joined with the person who made it; `revision` is the number of the one that it is about."""

    claim: Claim
    author: Author
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How many other people than the author support (or reproduce) a mechanism, and how many contradict it.

    A person who does both counts as contradicting.
    """

    supporting: int = 0
    contradicting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRule:
    """`level_3` and `level_4` say how many other people must support a mechanism of that level; 0: none.

    If the rule `is_enforced`, an author cannot state a level that the evidence does not carry; otherwise it is only
    shown that it does not.
    """

    level_3: int = 1
    level_4: int = 2
    is_enforced: bool = False

    def needed(self, level: int | None) -> int:
        """Returns how many other people must support a mechanism of this level."""
        needed: Mapping[int, int] = {
            ReliabilityLevel.SUPPORTED_BY_COLLEAGUES: self.level_3,
            ReliabilityLevel.ESTABLISHED: self.level_4,
        }
        return needed.get(level or 0, 0)

    def is_carried(self, level: int | None, support: Support) -> bool:
        """Whether the evidence carries the level."""
        needed = self.needed(level)
        return not needed or (support.supporting >= needed and support.supporting > support.contradicting)

    def require_carried(self, reliability: Reliability | None, support: Support) -> None:
        """Raises EvidenceMissing if the rule is enforced and the evidence does not carry the level."""
        level = reliability.level if reliability else None
        if self.is_enforced and not self.is_carried(level, support):
            raise EvidenceMissing(
                level=level,
                needed=self.needed(level),
                supporting=support.supporting,
                contradicting=support.contradicting,
            )


def support_of(mechanism: Mechanism, stances: Iterable[tuple[UserId, ClaimKind]]) -> Support:
    """Returns the support by `stances`: who made a claim of which kind, and has not withdrawn it."""
    kinds: dict[UserId, set[ClaimKind]] = {}
    for user_id, kind in stances:
        if user_id != mechanism.user_id:
            kinds.setdefault(user_id, set()).add(kind)
    contradicting = sum(ClaimKind.CONTRADICTS in each for each in kinds.values())
    in_favour = {ClaimKind.SUPPORTS, ClaimKind.REPRODUCES}
    supporting = sum(bool(each & in_favour) and ClaimKind.CONTRADICTS not in each for each in kinds.values())
    return Support(supporting=supporting, contradicting=contradicting)


def clean_claim(new: NewClaim) -> NewClaim:
    """Returns the claim with its texts normalised. Raises InvalidField."""
    return NewClaim(
        kind=new.kind,
        text=clean_text("text", new.text, min_length=1, max_length=MAX_CLAIM_LENGTH, lines=True),
        link=clean_link(new.link) if new.link.strip() else "",
        doi=clean_doi(new.doi) if new.doi.strip() else "",
        conditions=clean_values("conditions", new.conditions),
        file=new.file,
    )


def clean_link(link: str) -> str:
    """Returns an http or https URL with a host and without credentials. Nothing fetches it. Raises InvalidField."""
    cleaned = clean_text("link", link, min_length=1, max_length=MAX_LINK_LENGTH)
    if not _is_link(cleaned):
        raise InvalidField(
            "link",
            en="must be an http or https URL with a host and without user name or password.",
            ja="ホスト名を含み、ユーザー名やパスワードを含まない http または https の URL にしてください。",
        )
    return cleaned


def _is_link(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_plain = not _NEVER_IN_URLS.search(text) and "@" not in parts.netloc
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_port and is_plain


def clean_doi(doi: str) -> str:
    """Returns the DOI in lower case, without the address of a resolver. Raises InvalidField."""
    cleaned = clean_text("doi", doi, min_length=1, max_length=250).lower()
    for prefix in _DOI_PREFIXES:
        cleaned = cleaned.removeprefix(prefix)
    cleaned = cleaned.strip()
    if not _DOI.fullmatch(cleaned) or _NEVER_IN_URLS.search(cleaned):
        raise InvalidField(
            "doi",
            en="must be a DOI such as 10.1000/182.",
            ja="10.1000/182 のような DOI を指定してください。",
        )
    return cleaned


KIND_NAMES: Mapping[ClaimKind, Mapping[str, str]] = {
    ClaimKind.SUPPORTS: {"en": "Supports", "ja": "支持"},
    ClaimKind.CONTRADICTS: {"en": "Contradicts", "ja": "反証"},
    ClaimKind.REPRODUCES: {"en": "Reproduces", "ja": "再現"},
    ClaimKind.REFINES: {"en": "Refines", "ja": "補足"},
}
"""The names of the kinds by language."""

"""Values that several tests of the domain share."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media import MediaFormat
from mechshare.domain.originals import OriginalFile
from mechshare.domain.processing import PENDING
from mechshare.domain.users import User

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
OWNER = UserId("01900000-0000-7000-8000-00000000000a")
OTHER = UserId("01900000-0000-7000-8000-00000000000b")
MECHANISM = MechanismId("01900000-0000-7000-8000-0000000000aa")


AN_ORIGINAL = OriginalFile(key="originals/a.jpg", format=MediaFormat.JPEG, size=1, sha256="0" * 64, name="a")


def a_mechanism(**changes: Any) -> Mechanism:
    plain = Mechanism(
        id=MECHANISM,
        title="歯車",
        description="",
        user_id=OWNER,
        created_at=NOW,
        updated_at=NOW,
        processing=PENDING,
    )
    return replace(plain, **changes)


def a_user(**changes: Any) -> User:
    plain = User(
        id=OWNER,
        username="linkage",
        email="linkage@example.com",
        display_name="Linkage",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(plain, **changes)

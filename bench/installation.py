"""An installation with many mechanisms, on the embedded default, made quickly and always alike."""

from datetime import datetime, timedelta
from pathlib import Path

from uuid6 import uuid7

from mechshare import bootstrap, settings
from mechshare.application import Application
from mechshare.domain.audit import Origin
from mechshare.domain.categories import FIRST_CATEGORIES
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.jobs import Job, JobState
from mechshare.domain.mechanisms import READY, Mechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.users import User
from mechshare.services.users import Registration

PASSWORD = "bench four-bar linkage"
_SHAPES = ("crank-rocker", "double-crank", "inverted", "offset", "spherical", "variable-stroke", "high-speed")
_BATCH = 500


class _Silent:
    """Nobody listens to jobs while the installation is made."""

    def attempt_ended(self, job: Job, state: JobState, failure: ProcessingFailure | None) -> None:
        return

    def attempt_crashed(self, job: Job, error: Exception) -> None:
        raise error

    def attempt_lost(self, job: Job) -> None:
        return


async def make_installation(data: Path, count: int) -> tuple[str, str, str]:
    """Fills `data` with `count` published mechanisms; (user name, user id, id of the newest)."""
    application = bootstrap.build(settings.load({"MECHSHARE_DATA": str(data)}), _Silent())
    await application.database.migrate()
    await application.categories.seed()
    registration = Registration(username="bench", email="bench@example.com", password=PASSWORD)
    user = await application.users.register(registration, Origin())
    assert isinstance(user, User)
    newest = await _fill(application, user, count)
    await application.search.reindex()
    await application.close()
    return user.username, user.id, newest


async def _fill(application: Application, user: User, count: int) -> MechanismId:
    now = application.clock.now()
    newest = MechanismId("")
    for start in range(0, count, _BATCH):
        async with application.database.begin() as tx:
            for number in range(start, min(start + _BATCH, count)):
                at = now - timedelta(seconds=count - number)
                saved = await tx.mechanisms.save(_mechanism(user, number, at))
                newest = saved.id
    return newest


def _mechanism(user: User, number: int, at: datetime) -> Mechanism:
    category, name_en, name_ja = FIRST_CATEGORIES[number % len(FIRST_CATEGORIES)]
    shape = _SHAPES[number % len(_SHAPES)]
    return Mechanism(
        id=MechanismId(str(uuid7())),
        title=f"{name_ja} {shape} no. {number}",
        description=f"{name_en}, {shape}: 入力軸の回転を出力の運動に変換する。" * 4,
        user_id=user.id,
        file_url=f"https://media.example/{number}.mp4",
        thumbnail_url=f"https://media.example/{number}.webp",
        duration=2.4,
        created_at=at,
        updated_at=at,
        is_published=True,
        categories=(CategoryId(category),),
        processing=READY,
    )

"""The worst clips that are allowed delay another user's clip by the time of one of them at most."""

from collections.abc import Callable
from typing import Any

from tests.adapters.media import hostile
from tests.attacks.server import AttackedServer, worker

SIDES = (8_192, 4_880)
"""Almost the largest picture that is allowed, px."""
SHORT_FRAMES, LONG_FRAMES = 6, 370
"""The long form uses up the whole budget of decoded pixels."""


async def test_the_clip_of_another_user_waits_for_one_of_the_worst_clips_at_most(
    idle_server: AttackedServer, long: bool, figure: Callable[[str], None]
) -> None:
    frames = LONG_FRAMES if long else SHORT_FRAMES
    async with idle_server.registered() as sender, idle_server.registered() as other:
        worst = [
            (await idle_server.upload(sender, hostile.gif(*SIDES, frames - number))).raise_for_status().json()
            for number in range(4)
        ]
        waiting = (await idle_server.upload(other)).raise_for_status().json()
        with worker(idle_server):
            processed = await idle_server.processed(other, waiting["id"])
            first = await idle_server.processed(sender, worst[0]["id"])
            of_sender = [first, *[await idle_server.processing(sender, clip["id"]) for clip in worst[1:]]]
    assert (processed["state"], first["state"]) == ("ready", "ready")
    before = [end for status in of_sender for end in ends_of(status) if end < max(ends_of(processed))]
    figure(
        f"4 clips of {frames} frames of {SIDES[0]} x {SIDES[1]} px: another user's waited for {len(before)}"
    )
    assert len(before) <= 1


def ends_of(processing: dict[str, Any]) -> list[str]:
    """Returns when each attempt that is over ended, in ISO 8601 in UTC, which sorts by time."""
    return [attempt["ended_at"] for attempt in processing["attempts"] if attempt["ended_at"]]

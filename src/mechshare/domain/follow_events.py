"""Domain events of follows: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.follows import FollowedUser


@dataclass(frozen=True, slots=True)
class UserFollowed:
    followed: FollowedUser

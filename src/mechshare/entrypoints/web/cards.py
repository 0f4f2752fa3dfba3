"""What the pages show of a mechanism in a list."""

from dataclasses import dataclass

from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.entrypoints.http.representations.mechanisms import MediaAddresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A mechanism with the addresses of its media, which are None until it is ready.

    `width` and `height` in px are those of the clip: pages reserve its room before the picture arrives.
    """

    mechanism: Mechanism
    author_name: str
    video_url: str | None
    thumbnail_url: str | None
    preview_url: str | None
    width: int
    height: int

    @property
    def path(self) -> str:
        return f"/m/{self.mechanism.id}"


def card(item: AuthoredMechanism, addresses: MediaAddresses) -> Card:
    mechanism = item.mechanism
    is_public, media = mechanism.is_published, mechanism.media
    return Card(
        mechanism=mechanism,
        author_name=item.author.display_name,
        video_url=addresses.of(mechanism.file_url, is_public=is_public),
        thumbnail_url=addresses.of(mechanism.thumbnail_url, is_public=is_public),
        preview_url=addresses.of(mechanism.preview_url, is_public=is_public),
        width=media.width if media else 4,
        height=media.height if media else 3,
    )

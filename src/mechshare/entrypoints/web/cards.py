"""What the pages show of a mechanism in a list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mechshare.domain.blobs import blob_key
from mechshare.domain.ids import CategoryId
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.entrypoints.http.representations.mechanisms import MediaAddresses

Pieces = tuple[tuple[str, bool], ...]
"""A text as ((text, is_match), ...)."""
_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A mechanism with the addresses of its media, which are None until it is ready.

    `file_url` is that of a picture, a document or a clip; only a clip has a `video_url`, too. `width` and `height` in
    px are those of the clip or picture: pages reserve its room before the picture arrives.
    `excerpt` is the part of the description that matches a search, `document_excerpt` that of the page `page`; else
    empty. `thumbnail_url` is None for a picture on another host: otherwise that host would learn who reads the list.
    """

    mechanism: Mechanism
    author_name: str
    file_url: str | None
    video_url: str | None
    thumbnail_url: str | None
    preview_url: str | None
    motion_url: str | None
    width: int
    height: int
    category_names: tuple[str, ...] = ()
    title: Pieces = ()
    excerpt: Pieces = ()
    document_excerpt: Pieces = ()
    page: int | None = None

    @property
    def path(self) -> str:
        return f"/m/{self.mechanism.id}"

    @property
    def seconds(self) -> float | None:
        """The duration of a clip of less than a minute, in s, to a tenth."""
        duration = self.mechanism.duration
        return max(round(duration, 1), 0.1) if duration is not None and duration < _MINUTE else None

    @property
    def minutes(self) -> str:
        """The duration of a longer clip as `minutes:seconds`; empty for a shorter one."""
        duration = self.mechanism.duration
        if duration is None or duration < _MINUTE:
            return ""
        minutes, seconds = divmod(round(duration), _MINUTE)
        return f"{minutes}:{seconds:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTexts:
    """What a card shows in addition to its mechanism: names of categories by id, and highlights of a search; that of
    a document comes from `page`."""

    category_names: Mapping[CategoryId, str] = field(default_factory=dict)
    highlights: Mapping[str, Pieces] = field(default_factory=dict)
    page: int | None = None


def card(item: AuthoredMechanism, addresses: MediaAddresses, texts: CardTexts | None = None) -> Card:
    mechanism = item.mechanism
    is_public, is_withdrawn = mechanism.is_open, mechanism.withdrawn_reason is not None
    media, file_url = mechanism.media, addresses.of_file(mechanism)
    picture = mechanism.thumbnail_url if external_host(mechanism) is None else None
    texts = texts or CardTexts()
    names = (texts.category_names.get(id) for id in mechanism.categories)
    return Card(
        mechanism=mechanism,
        author_name=item.author.display_name,
        file_url=file_url,
        video_url=file_url if mechanism.kind is MechanismKind.CLIP else None,
        thumbnail_url=addresses.of(picture, is_public=is_public, is_withdrawn=is_withdrawn),
        preview_url=addresses.of(mechanism.preview_url, is_public=is_public, is_withdrawn=is_withdrawn),
        motion_url=addresses.of(mechanism.motion_url, is_public=is_public, is_withdrawn=is_withdrawn),
        width=media.width if media else 4,
        height=media.height if media else 3,
        category_names=tuple(name for name in names if name),
        title=texts.highlights.get("title", ((mechanism.title, False),)),
        excerpt=_excerpt(texts.highlights.get("description", ()), mechanism.description),
        document_excerpt=texts.highlights.get("document", ()),
        page=texts.page,
    )


def _excerpt(pieces: Pieces, description: str) -> Pieces:
    """Returns the excerpt with an ellipsis at each end where the description goes on."""
    text = "".join(text for text, _ in pieces)
    before: Pieces = () if description.startswith(text) else (("…", False),)
    after: Pieces = () if description.endswith(text) else (("…", False),)
    return (*before, *pieces, *after)


def external_host(mechanism: Mechanism) -> str | None:
    """Returns the name of the other host that stores the clip; None for a clip that is stored here."""
    if mechanism.file_url is None or blob_key(mechanism.file_url):
        return None
    return urlsplit(mechanism.file_url).hostname

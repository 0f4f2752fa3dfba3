"""Feeds of public mechanisms: Atom (RFC 4287) and JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import msgspec
from litestar import Request, Response
from markupsafe import Markup

from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.entity_tags import etag_of
from mechshare.entrypoints.http.protocol.responses import PUBLIC, json_response
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.web.cards import Card
from mechshare.entrypoints.web.conditions import Conditions

ATOM, JSON_FEED = "application/atom+xml", "application/feed+json"
_ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VIDEO = "video/mp4"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may contain, not even escaped (XML 1.0, 2.2): one makes readers refuse the feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The newest mechanisms first, or as a collection has them.

    `page_url` shows the same list to people; `url` is the feed's own address. All
    addresses are absolute; `site` has no trailing slash."""

    title: str
    page_url: str
    url: str
    site: str
    cards: Sequence[Card]

    @property
    def updated_at(self) -> datetime:
        """When the last of its mechanisms changed."""
        return max((card.mechanism.updated_at for card in self.cards), default=_EPOCH)

    def address(self, path: str) -> str:
        return f"{self.site}{path}" if path.startswith("/") else path


def feed_links(request: Request[Any, Any, Any], conditions: Conditions) -> dict[str, str]:
    """Returns the addresses of the feeds of what the home page lists, by media type; none where it has filters that
    feeds lack."""
    if conditions.bounds.values:
        return {}
    query = [("q", conditions.text)] if conditions.text else []
    query += [("category", id) for id in conditions.category_ids]
    query += [("category_match", conditions.match.value)] if conditions.is_of_all else []
    return feeds_in(request, "/", f"?{urlencode(query)}" if query else "")


def feeds_in(request: Request[Any, Any, Any], folder: str, ending: str = "") -> dict[str, str]:
    """Returns the addresses of the feeds in the folder with this path, by media type; none where readers would have to
    sign in."""
    if application_of(request).settings.anonymous == "none":
        return {}
    names = {ATOM: "feed.atom", JSON_FEED: "feed.json"}
    return {type: f"{site_url(request)}{folder}{name}{ending}" for type, name in names.items()}


def feed_response(request: Request[Any, Any, Any], feed: Feed, cache: str = PUBLIC) -> Response[Any]:
    """Returns the feed in the format that its address names."""
    is_atom = feed_file_of(request) == "feed.atom"
    body = atom(feed) if is_atom else msgspec.json.encode(json_feed(feed))
    media_type = ATOM if is_atom else JSON_FEED
    return json_response(request, body, etag=etag_of(body), cache=cache, media_type=media_type)


def feed_file_of(request: Request[Any, Any, Any]) -> str:
    return request.url.path.rpartition("/")[2]


def atom(feed: Feed) -> bytes:
    root = ElementTree.Element("feed", xmlns=_ATOM_NAMESPACE)
    _texts(root, title=feed.title, id=feed.url, updated=_time(feed.updated_at))
    ElementTree.SubElement(root, "link", rel="self", type=ATOM, href=feed.url)
    ElementTree.SubElement(root, "link", rel="alternate", type="text/html", href=feed.page_url)
    for card in feed.cards:
        root.append(_entry(feed, card))
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def json_feed(feed: Feed) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page_url,
        "feed_url": feed.url,
        "items": [_item(feed, card) for card in feed.cards],
    }


def _entry(feed: Feed, card: Card) -> ElementTree.Element:
    mechanism, page_url = card.mechanism, feed.address(card.path)
    entry = ElementTree.Element("entry")
    _texts(
        entry,
        title=mechanism.title,
        id=page_url,
        published=_time(mechanism.new_since),
        updated=_time(mechanism.updated_at),
    )
    _texts(ElementTree.SubElement(entry, "author"), name=card.author_name)
    ElementTree.SubElement(entry, "link", rel="alternate", type="text/html", href=page_url)
    if card.video_url and mechanism.media:
        ElementTree.SubElement(entry, "link", rel="enclosure", href=feed.address(card.video_url), type=_VIDEO)
    for name in card.category_names:
        ElementTree.SubElement(entry, "category", term=_in_xml(name))
    ElementTree.SubElement(entry, "content", type="html").text = _in_xml(_html(feed, card))
    return entry


def _item(feed: Feed, card: Card) -> dict[str, Any]:
    mechanism, page_url = card.mechanism, feed.address(card.path)
    item: dict[str, Any] = {
        "id": page_url,
        "url": page_url,
        "title": mechanism.title,
        "content_html": _html(feed, card),
        "date_published": _time(mechanism.new_since),
        "date_modified": _time(mechanism.updated_at),
        "authors": [{"name": card.author_name, "url": f"{feed.site}/u/{mechanism.user_id}"}],
        "tags": list(card.category_names),
    }
    if card.thumbnail_url:
        item["image"] = feed.address(card.thumbnail_url)
    if card.video_url and mechanism.media:
        item["attachments"] = [
            {"url": feed.address(card.video_url), "mime_type": _VIDEO, **_duration(mechanism.duration)}
        ]
    return item


def _duration(seconds: float | None) -> dict[str, float]:
    return {} if seconds is None else {"duration_in_seconds": seconds}


def _html(feed: Feed, card: Card) -> str:
    """Returns the thumbnail and the description, whose text is escaped."""
    picture = Markup('<p><a href="{}"><img src="{}" alt=""></a></p>').format(
        feed.address(card.path), feed.address(card.thumbnail_url or "")
    )
    lines = card.mechanism.description.splitlines()
    paragraphs = Markup("").join(Markup("<p>{}</p>").format(line) for line in lines if line.strip())
    return str((picture if card.thumbnail_url else Markup("")) + paragraphs)


def _texts(parent: ElementTree.Element, **texts: str) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = _in_xml(text)


def _in_xml(text: str) -> str:
    """Returns the text with U+FFFD in place of what XML does not allow."""
    return _NOT_IN_XML.sub("\ufffd", text)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

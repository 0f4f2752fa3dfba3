"""The access to stored files, as a table."""

import pytest

from mechshare.domain.blobs import blob_key
from mechshare.domain.errors import MechanismNotFound, MediaNotFound, UnauthorizedOperation
from mechshare.domain.media_links import LINK_LIFETIME
from mechshare.domain.users import Role
from tests.services.world import GIF, HERE

VIEWERS = ("anonymous", "owner", "other", "moderator", "admin")
TABLE = {
    "published": {"anonymous": True, "owner": True, "other": True, "moderator": True, "admin": True},
    "unpublished": {"anonymous": False, "owner": True, "other": False, "moderator": False, "admin": True},
    "withdrawn": {"anonymous": False, "owner": True, "other": False, "moderator": True, "admin": True},
    "deleted": dict.fromkeys(VIEWERS, False),
}


@pytest.fixture
async def people(world):
    return {
        "anonymous": None,
        "owner": await world.join("owner"),
        "other": await world.join("other"),
        "moderator": await world.join("moderator", Role.MODERATOR),
        "admin": await world.join("admin", Role.ADMIN),
    }


async def made(world, people, state):
    owner, app = people["owner"], world.app.mechanisms
    mechanism = await world.create(owner)
    await world.work()
    if state in ("published", "withdrawn"):
        await app.publish(owner, mechanism.id)
    if state == "withdrawn":
        await app.withdraw(people["moderator"], mechanism.id, HERE, reason="spam")
    ready = await world.stored(mechanism.id)
    if state == "deleted":
        await app.delete_mechanism(owner, mechanism.id, HERE)
    return ready


@pytest.mark.parametrize("state", TABLE)
async def test_a_derivative_is_served_to_those_who_see_its_mechanism(world, people, state):
    mechanism = await made(world, people, state)
    for url in (mechanism.file_url, mechanism.thumbnail_url, mechanism.preview_url):
        key = blob_key(url)
        for viewer, may in TABLE[state].items():
            if may:
                found = await world.app.media.find_media(people[viewer], key)
                assert (found.key, found.is_public) == (key, state == "published")
                assert found.size > 0
            else:
                with pytest.raises(MediaNotFound):
                    await world.app.media.find_media(people[viewer], key)


async def test_a_signed_link_opens_one_file_to_whoever_holds_it_until_it_expires(world, people):
    mechanism = await made(world, people, "unpublished")
    key, other = blob_key(mechanism.file_url), blob_key(mechanism.thumbnail_url)
    links = world.app.media.links()
    expires, signature = links.expires, links.signature(key)
    find = world.app.media.find_media

    assert (await find(None, key, expires=expires, signature=signature)).content_type == "video/mp4"
    for wrong in (
        {"key": other, "expires": expires, "signature": signature},
        {"key": key, "expires": expires + 3600, "signature": signature},
        {"key": key, "expires": expires, "signature": signature[:-1]},
        {"key": key, "expires": expires, "signature": "é"},
        {"key": key, "expires": expires, "signature": ""},
    ):
        with pytest.raises(MediaNotFound):
            await find(None, **wrong)
    world.clock.advance(2 * LINK_LIFETIME)
    with pytest.raises(MediaNotFound):
        await find(None, key, expires=expires, signature=signature)


async def test_a_signed_link_stops_with_its_mechanism(world, people):
    mechanism = await made(world, people, "deleted")
    key = blob_key(mechanism.file_url)
    links = world.app.media.links()
    with pytest.raises(MediaNotFound):
        await world.app.media.find_media(
            people["admin"], key, expires=links.expires, signature=links.signature(key)
        )


async def test_a_moderators_withdrawal_ends_earlier_links(world, people):
    mechanism = await made(world, people, "unpublished")
    key = blob_key(mechanism.file_url)
    links = world.app.media.links()
    before = {"expires": links.expires, "signature": links.signature(key)}
    await world.app.mechanisms.publish(people["owner"], mechanism.id)
    await world.app.mechanisms.withdraw(people["moderator"], mechanism.id, HERE, reason="重複")
    with pytest.raises(MediaNotFound):
        await world.app.media.find_media(None, key, **before)
    after = links.signature(key, is_withdrawn=True)
    assert await world.app.media.find_media(None, key, expires=links.expires, signature=after)


async def test_the_suspension_of_its_owner_ends_the_links_of_a_clip(world, people):
    mechanism = await made(world, people, "unpublished")
    key = blob_key(mechanism.file_url)
    links = world.app.media.links()
    link = {"expires": links.expires, "signature": links.signature(key)}
    assert await world.app.media.find_media(None, key, **link)
    await world.app.users.change_account_status(people["admin"], mechanism.user_id, HERE, suspended=True)
    with pytest.raises(MediaNotFound):
        await world.app.media.find_media(None, key, **link)
    assert await world.app.media.find_media(people["admin"], key, **link)


@pytest.mark.parametrize("state", ["published", "unpublished", "withdrawn"])
async def test_an_original_that_is_not_offered_is_served_to_its_owner_and_admins(world, people, state):
    mechanism = await made(world, people, state)
    await world.app.mechanisms.update_mechanism(people["owner"], mechanism.id, original_offered=False)
    for viewer in ("owner", "admin"):
        found = await world.app.media.find_original(people[viewer], mechanism.id)
        assert (found.key, found.size, found.is_public) == (mechanism.original.key, len(GIF), False)
        assert (found.download_name, found.content_type) == ("clip.gif", "image/gif")
    for viewer in ("other", "moderator"):
        with pytest.raises((MechanismNotFound, UnauthorizedOperation)):
            await world.app.media.find_original(people[viewer], mechanism.id)


async def test_an_offered_original_is_served_to_all_who_see_the_mechanism(world, people):
    published, hidden = await made(world, people, "published"), await made(world, people, "unpublished")

    for viewer in (None, *people.values()):
        found = await world.app.media.find_original(viewer, published.id)
        assert (found.key, found.is_public) == (published.original.key, False)
    for viewer in (None, people["other"], people["moderator"]):
        with pytest.raises(MechanismNotFound):
            await world.app.media.find_original(viewer, hidden.id)


async def test_an_original_is_never_served_as_a_derivative(world, people):
    mechanism = await made(world, people, "published")
    key = mechanism.original.key
    links = world.app.media.links()
    for viewer in people.values():
        with pytest.raises(MediaNotFound):
            await world.app.media.find_media(
                viewer, key, expires=links.expires, signature=links.signature(key)
            )


@pytest.mark.parametrize(
    "key", ["", "..", "media/../originals/x.gif", "/etc/passwd", "\ud800", "media/x/y.mp4", "a\x00"]
)
async def test_a_key_that_names_nothing_finds_nothing(world, people, key):
    with pytest.raises(MediaNotFound):
        await world.app.media.find_media(people["admin"], key)


async def test_a_file_that_the_store_has_lost_is_not_found(world, people):
    mechanism = await made(world, people, "published")
    await world.blobs.delete(blob_key(mechanism.file_url))
    with pytest.raises(MediaNotFound):
        await world.app.media.find_media(None, blob_key(mechanism.file_url))


async def test_an_external_clip_has_no_original(world, people):
    mechanism = await world.external(people["owner"])
    with pytest.raises(MechanismNotFound):
        await world.app.media.find_original(people["owner"], mechanism.id)

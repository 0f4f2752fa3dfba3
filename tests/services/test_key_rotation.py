"""A new secret replaces the old one without ending a session, a link or a ticket."""

import pytest

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.media.stub import StubMediaProcessor
from mechshare.adapters.passwords.fast import FastPasswordHasher
from mechshare.bootstrap.adapters import choose_adapters
from mechshare.bootstrap.application import build
from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import MechanismId
from mechshare.domain.tickets import TicketPurpose
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.services.users import Registration
from mechshare.settings import load
from mechshare.testing.derivation import PlaceholderDerivation
from tests.services.world import HERE

OLD, NEW = "old-" * 8, "new-" * 8
WATCH = TicketPurpose.WATCH_PROCESSING
ADAPTERS = ("DATABASE", "BLOBS", "SEARCH", "JOBS")


class Installation:
    """Several processes with different secrets over the same stores."""

    def __init__(self, algorithm):
        environ = {f"MECHSHARE_{name}_URL": "memory:" for name in ADAPTERS}
        self.environ = {**environ, "MECHSHARE_TOKEN_ALGORITHM": algorithm}
        media, passwords = StubMediaProcessor(), FastPasswordHasher()
        self.clock = FrozenClock()
        self.adapters = choose_adapters(
            load(self.environ), clock=self.clock, media=media, passwords=passwords
        )

    def process(self, *secrets):
        chosen = load({**self.environ, "MECHSHARE_SECRET": ",".join(secrets)})
        return build(chosen, LoggingObserver(), self.adapters, PlaceholderDerivation(self.adapters.blobs))


@pytest.fixture(params=["HS256", "EdDSA"])
async def installation(request):
    made = Installation(request.param)
    registration = Registration(username="mika", email="mika@example.com", password="four-bar linkage")
    await made.process(OLD).users.register(registration, HERE)
    yield made
    await made.adapters.close()


async def test_what_the_old_key_signed_is_valid_until_the_old_key_is_removed(installation):
    before, during, after = (installation.process(*keys) for keys in ((OLD,), (NEW, OLD), (NEW,)))
    tokens = await before.sessions.login("mika", "four-bar linkage", HERE)
    caller = await during.authentication.authenticate(tokens.access_token)
    ticket = before.authentication.issue_ticket(caller, WATCH, "m")
    assert await during.authentication.admit(ticket, WATCH, "m") == caller
    for refused in (
        after.authentication.authenticate(tokens.access_token),
        after.authentication.admit(ticket, WATCH, "m"),
    ):
        with pytest.raises(InvalidToken):
            await refused


async def test_what_the_new_key_signs_is_valid_before_and_after_the_old_key_is_removed(installation):
    first, during, after = (installation.process(*keys) for keys in ((OLD, NEW), (NEW, OLD), (NEW,)))
    tokens = await during.sessions.login("mika", "four-bar linkage", HERE)
    for process in (first, during, after):
        assert await process.authentication.authenticate(tokens.access_token)


async def test_a_session_outlives_the_rotation_and_a_repeated_refresh_gets_the_same_pair(installation):
    before, during = installation.process(OLD), installation.process(NEW, OLD)
    tokens = await before.sessions.login("mika", "four-bar linkage", HERE)
    successor = await before.sessions.refresh(tokens.refresh_token, HERE)
    repeated = await during.sessions.refresh(tokens.refresh_token, HERE)
    assert repeated.refresh_token == successor.refresh_token
    newest = await during.sessions.refresh(successor.refresh_token, HERE)
    assert (await during.sessions.refresh(tokens.refresh_token, HERE)).refresh_token == newest.refresh_token
    assert await installation.process(NEW).sessions.refresh(newest.refresh_token, HERE)


def test_every_key_of_eddsa_is_published(installation):
    published = installation.process(NEW, OLD).authentication.public_keys()
    expected = 2 if installation.environ["MECHSHARE_TOKEN_ALGORITHM"] == "EdDSA" else 0
    assert len({key["kid"] for key in published}) == len(published) == expected


def test_links_to_media_are_verified_by_every_key(installation):
    before, during, after = (installation.process(*keys) for keys in ((OLD,), (NEW, OLD), (NEW,)))
    key = f"media/{MechanismId('m')}/1-a.mp4"
    now = installation.clock.now()
    links = before.media.links()
    signature = links.signature(key)
    assert during.media.links().signer.is_valid(key, links.expires, signature, now)
    assert not after.media.links().signer.is_valid(key, links.expires, signature, now)

"""A user's program over the client that openapi-python-client generates. Arguments: `SERVER CLIP`. Prints OK at the
end."""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from mechshare_client import AuthenticatedClient, Client
from mechshare_client.api.auth import login, refresh_tokens, register
from mechshare_client.api.mechanisms import (
    create_mechanism,
    get_mechanism,
    list_mechanisms,
    publish_mechanism,
)
from mechshare_client.api.media import download_original, get_media
from mechshare_client.api.processing import get_processing
from mechshare_client.api.search import search_mechanisms
from mechshare_client.models import (
    Credentials,
    Mechanism,
    MechanismPage,
    NewMechanism,
    ProcessingState,
    ProcessingStatus,
    RefreshToken,
    Registration,
    SearchPage,
    TokenPair,
    User,
)
from mechshare_client.types import UNSET, File

UPLOADS = 3


def main(server: str, clip: Path) -> None:
    client = signed_in(server)
    ids = [upload(client, clip, f"歯車 {number}") for number in range(UPLOADS)]
    for id in ids:
        publish(client, id)
        download(client, id, clip)
    assert listed_to_the_end(client) == set(ids)
    wait_until_found(client, set(ids))
    print("OK")


def signed_in(server: str) -> AuthenticatedClient:
    client, password = Client(server), "four-bar linkage"
    registration = Registration(username="python", email="python@example.com", password=password)
    user = register.sync(client=client, body=registration)
    assert isinstance(user, User), user
    tokens = login.sync(client=client, body=Credentials(username="python", password=password))
    assert isinstance(tokens, TokenPair), tokens
    tokens = refresh_tokens.sync(client=client, body=RefreshToken(tokens.refresh_token))
    assert isinstance(tokens, TokenPair), tokens
    return AuthenticatedClient(server, token=tokens.access_token)


def upload(client: AuthenticatedClient, clip: Path, title: str) -> UUID:
    file = File(io.BytesIO(clip.read_bytes()), clip.name, "video/mp4")
    made = create_mechanism.sync(
        client=client, body=NewMechanism(file=file, title=title, categories=["gears"])
    )
    assert isinstance(made, Mechanism), made
    return made.id


def publish(client: AuthenticatedClient, id: UUID) -> None:
    wait_until(lambda: is_ready(client, id))
    published = publish_mechanism.sync(id, client=client)
    assert isinstance(published, Mechanism), published
    assert published.is_published


def is_ready(client: AuthenticatedClient, id: UUID) -> bool:
    status = get_processing.sync(id, client=client)
    assert isinstance(status, ProcessingStatus), status
    assert status.state is not ProcessingState.FAILED, status
    return status.state is ProcessingState.READY


def download(client: AuthenticatedClient, id: UUID, clip: Path) -> None:
    original = download_original.sync(id, client=client)
    assert isinstance(original, File), original
    assert original.payload.read() == clip.read_bytes()
    mechanism = get_mechanism.sync(id, client=client)
    assert isinstance(mechanism, Mechanism), mechanism
    name = mechanism.thumbnail_url.rpartition("/")[2]
    thumbnail = get_media.sync(str(id), name, client=client)
    assert isinstance(thumbnail, File), thumbnail
    assert thumbnail.payload.read()[8:12] == b"WEBP"


def listed_to_the_end(client: AuthenticatedClient) -> set[UUID]:
    found: list[UUID] = []
    cursor = UNSET
    while cursor is not None:
        page = list_mechanisms.sync(client=client, limit=1, cursor=cursor)
        assert isinstance(page, MechanismPage), page
        found += [item.id for item in page.items]
        cursor = page.next_
    assert len(found) == len(set(found))
    return set(found)


def wait_until_found(client: AuthenticatedClient, ids: set[UUID]) -> None:
    def found() -> set[UUID]:
        page = search_mechanisms.sync(client=client, q="歯車")
        assert isinstance(page, SearchPage), page
        return {hit.mechanism.id for hit in page.items}

    wait_until(lambda: found() == ids)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


main(sys.argv[1], Path(sys.argv[2]))

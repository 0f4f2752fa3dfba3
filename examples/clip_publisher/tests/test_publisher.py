"""The program runs against mechshare in this process; the fixtures come with mechshare[testing]."""

import time

import pytest
from clip_publisher.publisher import Publisher, Refused
from litestar.testing import AsyncTestClient

PERSON = {"username": "sakura", "email": "sakura@example.com", "password": "four-bar linkage"}
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90400000000002c00000000010001000002024401003b")


@pytest.fixture
def publisher(mechshare_client):
    mechshare_client.post("/api/v1/auth/register", json=PERSON).raise_for_status()
    publisher = Publisher(mechshare_client)
    publisher.sign_in(PERSON["username"], PERSON["password"])
    return publisher


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.gif"
    path.write_bytes(GIF)
    return path


def test_a_published_clip_is_seen_by_everyone_and_found(publisher, mechshare_client, clip):
    id = publisher.publish(clip, "四節リンク機構", "four-bar")
    seen = mechshare_client.get(f"/api/v1/mechanisms/{id}").json()
    assert (seen["title"], seen["categories"], seen["is_published"]) == ("四節リンク機構", ["four-bar"], True)
    assert mechshare_client.get(seen["file_url"]).headers["content-type"] == "video/mp4"
    assert wait_for(lambda: publisher.find("リンク")) == ["四節リンク機構"]


def test_a_refusal_names_the_reason(publisher, clip):
    with pytest.raises(Refused, match="title"):
        publisher.publish(clip, "", "gears")


def test_a_wrong_password_is_refused(publisher):
    with pytest.raises(Refused, match="password"):
        publisher.sign_in("sakura", "slider-crank")


def test_every_test_begins_with_an_empty_server(publisher):
    assert publisher.find("") == []


async def test_programs_that_are_asynchronous_start_the_application_themselves(mechshare_app):
    async with AsyncTestClient(mechshare_app) as client:
        categories = (await client.get("/api/v1/categories")).json()["items"]
        assert "four-bar" in [category["id"] for category in categories]


def wait_for(look):
    """Calls `look` until the result is true, because a job updates the search index; returns the result."""
    deadline = time.monotonic() + 10
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found

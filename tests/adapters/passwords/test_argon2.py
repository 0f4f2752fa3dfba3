"""What the Argon2id adapter guarantees beyond the port: its parameters, its threads, and hashes with older
parameters."""

import asyncio
import threading
from time import process_time

import pytest
from structlog.testing import capture_logs

from mechshare.adapters.passwords.argon2 import Argon2PasswordHasher
from mechshare.domain.overload import Overloaded

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def passwords() -> Argon2PasswordHasher:
    return Argon2PasswordHasher()


@pytest.fixture(scope="module")
def quick() -> Argon2PasswordHasher:
    return Argon2PasswordHasher(memory_kib=64, iterations=1, threads=2)


async def test_the_parameters_are_the_documented_ones(passwords: Argon2PasswordHasher) -> None:
    assert (await passwords.hash(PASSWORD)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_weaker_hashes_verify_and_need_renewal(
    passwords: Argon2PasswordHasher, quick: Argon2PasswordHasher
) -> None:
    old = await quick.hash(PASSWORD)
    assert await passwords.verify(PASSWORD, old)
    assert passwords.needs_rehash(old)


async def test_an_absent_account_is_checked_against_a_hash_of_the_same_parameters(
    passwords: Argon2PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    matches = passwords._matches

    def watched(password: str, hash: str) -> bool:
        checked.append(hash)
        return matches(password, hash)

    monkeypatch.setattr(passwords, "_matches", watched)
    hash = await passwords.hash(PASSWORD)
    begun = process_time()
    assert not await passwords.verify(PASSWORD, None)
    burnt = process_time() - begun

    assert [one.rsplit("$", 2)[0] for one in checked] == [hash.rsplit("$", 2)[0]]
    assert burnt > 0


@pytest.mark.parametrize(
    "broken",
    ["", "x", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=64,t=1,p=1$AA$", "ハッシュ"],
)
async def test_a_malformed_hash_verifies_nothing_and_is_logged(
    quick: Argon2PasswordHasher, broken: str
) -> None:
    with capture_logs() as logs:
        assert not await quick.verify(PASSWORD, broken)
        assert quick.needs_rehash(broken)
    assert [log["event"] for log in logs] == ([] if broken == "" else ["password_hash_unusable"])
    assert PASSWORD not in repr(logs)


@pytest.mark.parametrize("password", ["", "\ud800", "a\x00b", "四節リンク", "x" * 5_000])
async def test_any_text_can_be_a_password(quick: Argon2PasswordHasher, password: str) -> None:
    hash = await quick.hash(password)
    assert await quick.verify(password, hash)
    assert not await quick.verify(password + "x", hash)


async def test_a_flood_uses_few_threads_and_does_not_block_others() -> None:
    before = set(threading.enumerate())
    passwords = Argon2PasswordHasher(memory_kib=1024, iterations=1, threads=2, max_waiting=98)
    flood = asyncio.gather(*(passwords.verify(PASSWORD, None) for _ in range(100)))
    turns, most = 0, 0
    while not flood.done():
        turns += 1
        most = max(most, len(set(threading.enumerate()) - before))
        await asyncio.sleep(0)
    assert await flood == [False] * 100
    assert turns > 1
    assert most == 2


async def test_a_full_queue_refuses_calls_and_cancelled_ones_free_it() -> None:
    bounded = Argon2PasswordHasher(memory_kib=64, iterations=1, threads=1, max_waiting=2)
    release = threading.Event()
    matches = bounded._matches

    def slow(password: str, hash: str) -> bool:
        assert release.wait(60)
        return matches(password, hash)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded, "_matches", slow)
        waiting = [asyncio.create_task(bounded.verify(PASSWORD, None)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await bounded.verify(PASSWORD, None)
        with pytest.raises(Overloaded):
            await bounded.hash(PASSWORD)
        waiting.pop().cancel()
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(bounded.verify(PASSWORD, None)))
        await asyncio.sleep(0)
        release.set()
        assert await asyncio.wait_for(asyncio.gather(*waiting), 60) == [False] * 3

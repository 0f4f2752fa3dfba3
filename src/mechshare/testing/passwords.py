"""The contract suite of password hashers."""

from mechshare.ports.passwords import PasswordHasher

PASSWORD = "四節リンク four-bar"


async def test_the_right_password_is_known_again(passwords: PasswordHasher) -> None:
    assert await passwords.verify(PASSWORD, await passwords.hash(PASSWORD))


async def test_any_other_password_is_not(passwords: PasswordHasher) -> None:
    hash = await passwords.hash(PASSWORD)
    for other in ("", PASSWORD + " ", PASSWORD.upper(), "\ud800", "\x00"):
        assert not await passwords.verify(other, hash)


async def test_the_same_password_gives_another_hash_each_time(passwords: PasswordHasher) -> None:
    assert await passwords.hash(PASSWORD) != await passwords.hash(PASSWORD)


async def test_a_hash_does_not_hold_the_password(passwords: PasswordHasher) -> None:
    assert PASSWORD not in await passwords.hash(PASSWORD)


async def test_without_an_account_nothing_is_right(passwords: PasswordHasher) -> None:
    assert not await passwords.verify(PASSWORD, None)


async def test_a_hash_that_is_broken_is_never_right(passwords: PasswordHasher) -> None:
    assert not await passwords.verify(PASSWORD, "not a hash")


async def test_todays_hashes_need_no_renewal(passwords: PasswordHasher) -> None:
    assert not passwords.needs_rehash(await passwords.hash(PASSWORD))

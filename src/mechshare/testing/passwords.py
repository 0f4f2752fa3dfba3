"""The contract suite of password hashers."""

from mechshare.ports.passwords import PasswordHasher

PASSWORD = "四節リンク four-bar"


async def test_the_right_password_is_accepted(passwords: PasswordHasher) -> None:
    assert await passwords.verify(PASSWORD, await passwords.hash(PASSWORD))


async def test_any_other_password_is_rejected(passwords: PasswordHasher) -> None:
    hash = await passwords.hash(PASSWORD)
    for other in ("", PASSWORD + " ", PASSWORD.upper(), "\ud800", "\x00"):
        assert not await passwords.verify(other, hash)


async def test_each_hash_of_the_same_password_is_different(passwords: PasswordHasher) -> None:
    assert await passwords.hash(PASSWORD) != await passwords.hash(PASSWORD)


async def test_a_hash_does_not_contain_the_password(passwords: PasswordHasher) -> None:
    assert PASSWORD not in await passwords.hash(PASSWORD)


async def test_without_an_account_every_password_is_rejected(passwords: PasswordHasher) -> None:
    assert not await passwords.verify(PASSWORD, None)


async def test_a_damaged_hash_matches_no_password(passwords: PasswordHasher) -> None:
    assert not await passwords.verify(PASSWORD, "not a hash")


async def test_new_hashes_need_no_rehash(passwords: PasswordHasher) -> None:
    assert not passwords.needs_rehash(await passwords.hash(PASSWORD))

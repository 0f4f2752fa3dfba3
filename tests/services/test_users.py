import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from mechshare.domain.audit import AuditAction
from mechshare.domain.errors import (
    CannotModifySelf,
    IdempotencyKeyReused,
    InvalidCredentials,
    InvalidField,
    InvalidToken,
    MechanismNotFound,
    NameTaken,
    StaleVersion,
    UnauthorizedOperation,
    UserNotFound,
    WithdrawnByModerator,
)
from mechshare.domain.ids import UserId
from mechshare.domain.invitations import RegistrationMode
from mechshare.domain.jobs import JobKind
from mechshare.domain.pagination import PageRequest
from mechshare.domain.statements import Statement
from mechshare.domain.users import Actor, Role, StillActive, StillSuspended
from mechshare.services import users
from mechshare.services.support import rename_propagation
from mechshare.services.support.admissions import Admissions
from mechshare.services.support.drafts import Draft, ExternalMedia
from mechshare.services.support.idempotency import IdempotentRequest, ReplayedResponse
from mechshare.services.users import Registration, UserService
from tests.services.world import HERE, PASSWORD

ABSENT = UserId("01900000-0000-7000-8000-0000000000ff")


def registration(name="mika", **changes):
    return Registration(**{"username": name, "email": f"{name}@example.com", "password": PASSWORD, **changes})


def once(key="k", fingerprint="f"):
    return IdempotentRequest(
        scope="anonymous", key=key, fingerprint=fingerprint, render=lambda user: user.id.encode()
    )


async def test_a_registered_user_can_sign_in_and_has_the_user_role(world):
    joined = await world.app.users.register(registration(" Mika ", email="MIKA@example.com"), HERE)

    _, caller = await world.sign_in("mika")
    assert joined.username == joined.display_name == "mika"
    assert joined.email == "mika@example.com"
    assert (joined.role, joined.version) == (Role.USER, 1)
    assert caller.actor.id == joined.id
    assert [entry.action for entry in await world.audited()] == [
        AuditAction.SIGNED_IN,
        AuditAction.REGISTERED,
    ]


@pytest.mark.parametrize("taken", [{"username": "MIKA"}, {"email": "Mika@Example.com"}])
async def test_a_name_or_address_in_use_is_refused_and_leaves_nothing(world, taken):
    await world.join("mika")

    with pytest.raises(NameTaken):
        await world.app.users.register(registration("other", **taken), HERE)

    actor = await world.join("admin", Role.ADMIN)
    assert (await world.app.users.find_all(actor, PageRequest())).total == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "x"),
        ("email", "x"),
        ("password", "short"),
        ("display_name", "x" * 51),
        ("email", "\ud800@b.co"),
    ],
)
async def test_a_field_that_breaks_a_rule_is_named(world, field, value):
    with pytest.raises(InvalidField) as refused:
        await world.app.users.register(registration(**{field: value}), HERE)
    assert refused.value.field == field


async def test_one_of_many_concurrent_registrations_gets_the_name(world):
    outcomes = await asyncio.gather(
        *(world.app.users.register(registration(email=f"{n}@example.com"), HERE) for n in range(10)),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes].count("User") == 1
    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 9


async def test_registering_again_with_the_same_key_returns_the_first_response(world):
    first = await world.app.users.register(registration(), HERE, once())
    with pytest.raises(ReplayedResponse) as again:
        await world.app.users.register(registration(), HERE, once())

    assert again.value.response == first.id.encode()
    with pytest.raises(IdempotencyKeyReused):
        await world.app.users.register(registration(), HERE, once(fingerprint="g"))


async def test_a_stored_response_needs_the_password_of_the_account(world):
    await world.app.users.register(registration(), HERE, once())
    with pytest.raises(NameTaken):
        await world.app.users.register(registration(password="another password"), HERE, once())


async def test_the_key_of_one_account_is_free_for_others_and_ends_with_the_account(world):
    first = await world.app.users.register(registration(), HERE, once())
    other = await world.app.users.register(registration("other", email="o@example.com"), HERE, once())
    assert other.username == "other"
    await world.app.users.delete_user(Actor(id=first.id, role=first.role), HERE)
    again = await world.app.users.register(registration(), HERE, once())
    assert again.id != first.id


async def test_a_refused_registration_does_not_say_which_name_is_in_use(world):
    await world.app.users.register(registration(), HERE)
    messages = set()
    for taken in ({"email": "new@example.com"}, {"username": "another"}):
        with pytest.raises(NameTaken) as refused:
            await world.app.users.register(registration(**taken), HERE)
        messages.add((refused.value.message, str(refused.value.facts)))
    assert len(messages) == 1


async def test_a_key_is_free_again_after_a_day(world):
    await world.app.users.register(registration(), HERE, once())
    world.clock.advance(timedelta(hours=24, seconds=1))

    joined = await world.app.users.register(registration("other"), HERE, once(fingerprint="g"))

    assert joined.username == "other"


async def test_a_key_whose_request_failed_is_still_free(world):
    await world.join("mika")
    with pytest.raises(NameTaken):
        await world.app.users.register(registration(), HERE, once())

    joined = await world.app.users.register(registration("other"), HERE, once())

    assert joined.username == "other"


async def test_the_operator_can_create_an_admin(world):
    created = await world.app.users.create_admin(registration("root"))
    _, caller = await world.sign_in("root")
    assert created.role is caller.actor.role is Role.ADMIN


@pytest.mark.parametrize("login", ["mika", " MIKA ", "Mika@Example.com"])
async def test_the_operator_finds_an_account_by_name_or_address(world, login):
    actor = await world.join("mika")
    assert (await world.app.users.find_by_login(login)).id == actor.id
    for absent in ("nobody", "", "\ud800"):
        with pytest.raises(UserNotFound):
            await world.app.users.find_by_login(absent)


async def test_a_profile_contains_nothing_private(world):
    actor = await world.join("mika", Role.ADMIN)
    profile = await world.app.users.get_profile(actor.id)
    assert profile.username == "mika"
    assert "example.com" not in repr(profile)
    assert "admin" not in repr(profile)


async def test_an_absent_user_is_not_found(world):
    with pytest.raises(UserNotFound):
        await world.app.users.get_profile(ABSENT)
    with pytest.raises(UserNotFound):
        await world.app.users.get_user(ABSENT)


async def test_users_update_their_own_profile(world):
    actor = await world.join("mika")

    changed = await world.app.users.update_user(actor, bio="歯車\r\nが好き", versions=[1])

    assert (changed.display_name, changed.bio, changed.version) == ("mika", "歯車\nが好き", 2)
    with pytest.raises(StaleVersion):
        await world.app.users.update_user(actor, bio="x", versions=[1])


async def test_a_new_display_name_is_shown_with_every_mechanism_and_found(world, monkeypatch):
    monkeypatch.setattr(rename_propagation, "_BATCH_SIZE", 2)
    actor = await world.join("mika")
    mechanisms = [await world.published(actor, f"title {number}") for number in range(3)]
    await world.work()

    await world.app.users.update_user(actor, display_name="Watt")
    await world.work()

    found = await world.app.search.search(None, "watt")
    assert {item.found.mechanism.id for item in found.items} == {made.id for made in mechanisms}
    shown = [(await world.app.mechanisms.get_mechanism(None, made.id)) for made in mechanisms]
    assert {item.author.display_name for item in shown} == {"Watt"}
    assert all(now.mechanism.version > then.version for now, then in zip(shown, mechanisms, strict=True))
    assert (await world.app.search.search(None, "mika")).total == 0


async def test_a_new_bio_alone_changes_no_mechanism(world):
    actor = await world.join("mika")
    made = await world.published(actor)

    await world.app.users.update_user(actor, bio="x")

    assert (await world.stored(made.id)).version == made.version


async def test_deleting_an_account_deletes_everything_of_it(world, monkeypatch):
    monkeypatch.setattr(users, "_BATCH_SIZE", 2)
    actor = await world.join("mika")
    await world.sign_in("mika")
    made = [await world.create(actor) for _ in range(3)]
    await world.work()
    tokens, _ = await world.sign_in("mika")

    await world.app.users.delete_user(actor, HERE)
    await world.work()

    with pytest.raises(InvalidToken):
        await world.app.authentication.authenticate(tokens.access_token)
    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(tokens.refresh_token, HERE)
    with pytest.raises(UserNotFound):
        await world.app.users.get_user(actor.id)
    for mechanism in made:
        with pytest.raises(MechanismNotFound):
            await world.app.mechanisms.get_mechanism(actor, mechanism.id)
    assert await world.keys() == []
    assert AuditAction.USER_DELETED in [entry.action for entry in await world.audited()]


async def test_deleting_an_old_version_is_refused_and_deletes_nothing(world):
    actor = await world.join("mika")
    made = await world.external(actor)
    await world.app.users.update_user(actor, bio="x")

    with pytest.raises(StaleVersion):
        await world.app.users.delete_user(actor, HERE, versions=[1])

    assert await world.stored(made.id) is not None


async def test_a_name_is_free_again_after_its_account_is_deleted(world):
    await world.app.users.delete_user(await world.join("mika"), HERE)
    assert (await world.join("mika")).role is Role.USER


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
async def test_only_admins_change_other_accounts(world, role):
    actor, other = await world.join("mika", role), await world.join("other")
    with pytest.raises(UnauthorizedOperation):
        await world.app.users.change_account_status(actor, other.id, HERE, role=Role.ADMIN)
    with pytest.raises(UnauthorizedOperation):
        await world.app.users.find_all(actor, PageRequest())


async def test_a_change_of_account_status_takes_effect_at_once_and_is_audited(world):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")
    tokens, before = await world.sign_in("mika")

    changed = await world.app.users.change_account_status(admin, mika.id, HERE, role=Role.MODERATOR)

    after = await world.app.authentication.authenticate(tokens.access_token)
    assert (before.actor.role, after.actor.role) == (Role.USER, Role.MODERATOR)
    entry = (await world.audited())[0]
    assert (entry.action, entry.actor_id, entry.subject) == (AuditAction.ROLE_CHANGED, admin.id, mika.id)
    assert changed.version == 2


async def test_a_suspension_ends_every_session_and_reinstating_restores_none(world):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")
    tokens, _ = await world.sign_in("mika")

    await world.app.users.change_account_status(admin, mika.id, HERE, suspended=True)
    with pytest.raises(InvalidToken):
        await world.app.authentication.authenticate(tokens.access_token)
    await world.app.users.change_account_status(admin, mika.id, HERE, suspended=False)

    with pytest.raises(InvalidToken):
        await world.app.authentication.authenticate(tokens.access_token)
    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(tokens.refresh_token, HERE)
    assert (await world.sign_in("mika"))[1].actor.id == mika.id


async def published(world, owner, titles):
    """Returns the ids of new public mechanisms."""
    media = ExternalMedia(
        file_url="https://m.example.com/a.mp4", thumbnail_url="https://m.example.com/a.webp", duration=1.0
    )
    made = []
    for title in titles:
        draft = Draft(statement=Statement(title=title), media=media)
        created = await world.app.mechanisms.create_mechanism(owner, draft)
        await world.app.mechanisms.publish(owner, created.mechanism.id)
        made.append(created.mechanism.id)
    return made


async def public_ids(world):
    page = await world.app.mechanisms.find_all(None, PageRequest())
    return sorted(item.mechanism.id for item in page.items)


async def test_a_suspension_hides_all_mechanisms_if_asked_and_they_come_back_only_if_asked(
    world, monkeypatch
):
    monkeypatch.setattr(users, "_BATCH_SIZE", 2)
    admin, mika, other = (
        await world.join("admin", Role.ADMIN),
        await world.join("mika"),
        await world.join("other"),
    )
    shown = await published(world, mika, "abcde")
    (of_other,) = await published(world, other, "o")
    await world.app.mechanisms.withdraw(mika, shown[0], HERE)
    await world.app.mechanisms.withdraw(admin, shown[1], HERE, reason="spam")
    change = partial(world.app.users.change_account_status, admin, mika.id, HERE)

    await change(suspended=True)
    assert await public_ids(world) == sorted([*shown[2:], of_other])
    await change(hides_mechanisms=True)
    assert await public_ids(world) == [of_other]
    for viewer in (None, other):
        with pytest.raises(MechanismNotFound):
            await world.app.mechanisms.get_mechanism(viewer, shown[2])
    await change(suspended=False)
    assert await public_ids(world) == [of_other]
    await change(hides_mechanisms=False)
    assert await public_ids(world) == sorted([*shown[2:], of_other])
    actions = [entry.action for entry in await world.audited()]
    assert actions.count(AuditAction.WITHDRAWN_BY_MODERATOR) == 4
    assert actions.count(AuditAction.MECHANISM_REINSTATED) == 3


async def test_only_a_suspended_account_hides_its_mechanisms_and_only_an_active_one_shows_them(world):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")
    shown = await published(world, mika, "a")
    change = partial(world.app.users.change_account_status, admin, mika.id, HERE)
    with pytest.raises(StillActive):
        await change(hides_mechanisms=True)
    with pytest.raises(StillSuspended):
        await change(suspended=True, hides_mechanisms=False)
    assert not (await world.app.users.get_user(mika.id)).is_suspended
    assert await public_ids(world) == shown


async def test_the_owner_of_hidden_mechanisms_cannot_publish_them(world):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")
    (hidden,) = await published(world, mika, "a")
    change = partial(world.app.users.change_account_status, admin, mika.id, HERE)
    await change(suspended=True, hides_mechanisms=True)
    await change(suspended=False)
    with pytest.raises(WithdrawnByModerator, match="suspended"):
        await world.app.mechanisms.publish(mika, hidden)


async def test_a_change_without_effect_is_neither_saved_nor_audited(world):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")
    entries = len(await world.audited())

    unchanged = await world.app.users.change_account_status(
        admin, mika.id, HERE, role=Role.USER, suspended=False
    )

    assert unchanged.version == 1
    assert len(await world.audited()) == entries


@pytest.mark.parametrize("change", [{"role": Role.USER}, {"suspended": True}, {"suspended": False}, {}])
async def test_an_admin_cannot_lock_themselves_out(world, change):
    admin = await world.join("admin", Role.ADMIN)
    with pytest.raises(CannotModifySelf):
        await world.app.users.change_account_status(admin, admin.id, HERE, **change)
    assert (await world.app.users.get_user(admin.id)).role is Role.ADMIN


async def test_the_status_of_an_old_version_or_an_absent_user_stays(world):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")
    await world.app.users.update_user(mika, bio="x")
    with pytest.raises(StaleVersion):
        await world.app.users.change_account_status(admin, mika.id, HERE, suspended=True, versions=[1])
    with pytest.raises(UserNotFound):
        await world.app.users.change_account_status(admin, ABSENT, HERE, suspended=True)


async def test_a_taken_name_costs_no_hash(world):
    await world.app.users.register(registration(), HERE)
    hasher = CountingHasher(world.adapters.passwords)
    transactions = world.transactions(world.adapters.database)
    admissions = Admissions(transactions, world.clock, RegistrationMode.OPEN)
    users_service = UserService(transactions, hasher, world.clock, world.adapters.ids, admissions)

    for changes in ({}, {"email": "other@example.com"}, {"username": "other"}):
        with pytest.raises(NameTaken):
            await users_service.register(registration(**{**changes}), HERE)

    assert hasher.hashes == 0


async def test_a_repetition_gets_its_response_although_the_name_is_taken(world):
    first = await world.app.users.register(registration(), HERE, once())
    with pytest.raises(ReplayedResponse) as again:
        await world.app.users.register(registration(), HERE, once())
    assert again.value.response == first.id.encode()


class CountingHasher:
    """A password hasher that counts its hashes."""

    def __init__(self, inner):
        self._inner = inner
        self.hashes = 0

    async def hash(self, password):
        self.hashes += 1
        return await self._inner.hash(password)

    def __getattr__(self, name):
        return getattr(self._inner, name)


async def test_a_deleted_account_leaves_neither_names_nor_addresses(world):
    mika = await world.join("mika")
    await world.sign_in("mika")
    with pytest.raises(InvalidCredentials):
        await world.app.sessions.login("mika@example.com", "a guess", HERE)
    await world.app.users.delete_user(mika, HERE)
    entries = [entry for entry in await world.audited() if entry.actor_id == mika.id]
    assert {entry.action.value for entry in entries} >= {"registered", "signed_in", "user_deleted"}
    assert {(entry.subject, entry.address) for entry in entries} == {(mika.id, "")}
    assert not any("mika" in repr(entry) for entry in await world.audited())


async def test_a_deleted_account_owns_no_job(world):
    mika = await world.join("mika")
    await world.create(mika)
    await world.app.account_exports.request(mika, HERE)
    await world.app.users.delete_user(mika, HERE)
    async with world.database.read() as tx:
        jobs = (await tx.jobs.find_all(PageRequest())).items
    assert {job.kind for job in jobs} >= {JobKind.PROCESS_MECHANISM_FILE, JobKind.EXPORT_ACCOUNT}
    assert {job.owner for job in jobs} == {""}


async def test_a_deleted_account_leaves_no_stored_response_with_its_name(world):
    naming = replace(once(), render=lambda user: user.email.encode())
    mika = await world.app.users.register(registration(), HERE, naming)
    scope = f"{mika.id} {naming.scope}"

    async def stored():
        async with world.database.read() as tx:
            return await tx.idempotency_records.find(scope, naming.key)

    assert (await stored()).response == b"mika@example.com"
    await world.app.users.delete_user(Actor(id=mika.id, role=mika.role), HERE)
    assert await stored() is None

"""`mechshare users`"""

import pytest

from mechshare.application import Application
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import InvalidCredentials, InvalidField, InvalidToken, NameTaken, UserNotFound
from mechshare.domain.sessions import Tokens
from mechshare.entrypoints.cli.context import run as run_with
from mechshare.settings import Settings
from tests.cli.conftest import Run

PASSWORD = "four-bar linkage"


def create_admin(run: Run, name: str = "boss") -> str:
    return run("users", "create-admin", name, f"{name}@example.com", typed=f"{PASSWORD}\n{PASSWORD}\n").output


def test_an_admin_is_created_and_the_password_is_never_shown(run: Run) -> None:
    output = create_admin(run)
    assert "boss is an admin" in output
    assert PASSWORD not in output


def test_a_taken_name_is_refused(run: Run) -> None:
    create_admin(run)
    with pytest.raises(NameTaken):
        create_admin(run)


def test_accounts_are_listed_with_role_and_suspension(run: Run) -> None:
    create_admin(run)
    create_admin(run, "other")
    run("users", "set-role", "other", "moderator")
    run("users", "suspend", "other")
    listed = run("users", "list").output
    assert "boss" in listed
    assert "moderator" in listed
    assert "may sign in again" in run("users", "reinstate", "other").output


def test_an_unknown_name_is_reported(run: Run) -> None:
    with pytest.raises(UserNotFound):
        run("users", "suspend", "nobody")


def test_a_new_password_ends_the_sessions(run: Run, chosen: Settings) -> None:
    create_admin(run)
    new = "a longer four-bar linkage"

    async def sign_in(application: Application, password: str) -> Tokens:
        return await application.sessions.login("boss", password, RequestMetadata())

    before = run_with(chosen, lambda application: sign_in(application, PASSWORD))
    output = run("users", "set-password", "boss", typed=f"{new}\n{new}\n").output

    assert new not in output
    with pytest.raises(InvalidCredentials):
        run_with(chosen, lambda application: sign_in(application, PASSWORD))
    with pytest.raises(InvalidToken):
        run_with(
            chosen, lambda application: application.sessions.refresh(before.refresh_token, RequestMetadata())
        )
    with pytest.raises(InvalidToken):
        run_with(chosen, lambda application: application.authentication.authenticate(before.access_token))
    assert run_with(chosen, lambda application: sign_in(application, new)).access_token


def test_a_new_password_is_read_from_standard_input(run: Run, chosen: Settings) -> None:
    create_admin(run)
    new = "a longer four-bar linkage"
    assert new not in run("users", "set-password", "--password-stdin", "boss", typed=f"{new}\n").output
    signed_in = run_with(
        chosen, lambda application: application.sessions.login("boss", new, RequestMetadata())
    )
    assert signed_in.access_token


def test_an_invalid_password_is_refused(run: Run) -> None:
    create_admin(run)
    with pytest.raises(InvalidField):
        run("users", "set-password", "--password-stdin", "boss", typed="short\n")
    assert run("users", "set-password", "--password-stdin", "boss", typed="").exit_code == 2
    with pytest.raises(UserNotFound):
        run("users", "set-password", "--password-stdin", "nobody", typed=f"{PASSWORD}\n")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("500", "500 bytes"),
        ("3MiB", "3145728 bytes"),
        ("1.5k", "1536 bytes"),
        ("none", "without limit"),
        ("default", "without limit"),  # of an admin
    ],
)
def test_the_quota_of_an_account_is_set(run: Run, written: str, shown: str) -> None:
    create_admin(run)
    assert run("users", "set-quota", "boss", written).output == f"boss may store: {shown}; used: 0 bytes\n"


@pytest.mark.parametrize("written", ["0", "-1", "many", "5 parsecs", "9000TiB", "1e3", "٣"])
def test_a_quota_that_is_none_is_refused(run: Run, written: str) -> None:
    create_admin(run)
    refused = run("users", "set-quota", "--", "boss", written)
    assert refused.exit_code == 2
    assert "is no quota" in refused.output

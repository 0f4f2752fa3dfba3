"""`mechshare users`"""

import pytest

from mechshare.domain.errors import NameTaken, UserNotFound
from tests.cli.conftest import Run

PASSWORD = "four-bar linkage"


def create_admin(run: Run, name: str = "boss") -> str:
    return run("users", "create-admin", name, f"{name}@example.com", typed=f"{PASSWORD}\n{PASSWORD}\n").output


def test_an_admin_is_made_and_the_password_is_never_shown(run: Run) -> None:
    output = create_admin(run)
    assert "boss is an admin" in output
    assert PASSWORD not in output


def test_a_name_is_given_once(run: Run) -> None:
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


def test_an_unknown_name_is_said_to_be_unknown(run: Run) -> None:
    with pytest.raises(UserNotFound):
        run("users", "suspend", "nobody")

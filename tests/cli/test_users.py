"""`mechshare users`"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mechshare import settings
from mechshare.application import Application
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import InvalidCredentials, InvalidField, InvalidToken, NameTaken, UserNotFound
from mechshare.domain.sessions import Tokens
from mechshare.domain.statements import Statement
from mechshare.domain.users import Actor
from mechshare.entrypoints.cli.context import run as run_with
from mechshare.entrypoints.cli.main import cli
from mechshare.services.support.drafts import Draft, ExternalMedia
from mechshare.services.users import Registration
from mechshare.settings import Settings
from tests.cli.conftest import Run

PASSWORD = "four-bar linkage"
ELSEWHERE = ExternalMedia(
    file_url="https://example.com/a.mp4", thumbnail_url="https://example.com/a.webp", duration=1.5
)


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
def test_an_invalid_quota_is_refused(run: Run, written: str) -> None:
    create_admin(run)
    refused = run("users", "set-quota", "--", "boss", written)
    assert refused.exit_code == 2
    assert "is not a quota" in refused.output


def test_accounts_that_await_approval_are_listed_approved_and_rejected(tmp_path: Path) -> None:
    environment = {"MECHSHARE_DATA": str(tmp_path / "data"), "MECHSHARE_REGISTRATION": "approval"}
    chosen = settings.load({**environment, "MECHSHARE_OPERATIONS_ADDRESS": "off"})

    def run(*arguments: str) -> str:
        return CliRunner().invoke(cli, arguments, obj=chosen, catch_exceptions=False).output

    async def register(application: Application) -> None:
        for name in ("mika", "ren"):
            joining = Registration(username=name, email=f"{name}@example.com", password=PASSWORD)
            await application.users.register(joining, RequestMetadata())

    run_with(chosen, register)
    assert [user["username"] for user in json.loads(run("users", "waiting", "--json"))] == ["mika", "ren"]
    assert "mika may sign in" in run("users", "approve", "mika")
    assert "ren is rejected" in run("users", "reject", "ren")
    assert json.loads(run("users", "waiting", "--json")) == []


def test_an_invitation_is_created_listed_and_revoked(run: Run) -> None:
    created = json.loads(run("invitations", "create", "--note", "設計課", "--uses", "3", "--json").output)
    assert created["url"].startswith("/register?invitation=")
    assert "設計課" in run("invitations", "list").output
    run("invitations", "revoke", created["id"])
    assert json.loads(run("invitations", "list", "--json").output) == []


def test_the_comments_of_a_user_are_listed_and_deleted(run: Run, chosen: Settings) -> None:
    create_admin(run)

    async def write(application: Application) -> None:
        user = await application.users.find_by_login("boss")
        actor = Actor(id=user.id, role=user.role)
        draft = Draft(statement=Statement(title="カム"), media=ELSEWHERE)
        made = await application.mechanisms.import_mechanism(actor, draft)
        for text in ("遊び", "spam\nspam"):
            await application.comments.add(actor, made.mechanism.id, text)

    run_with(chosen, write)
    listed = json.loads(run("users", "comments", "boss", "--json").output)
    assert [one["text"] for one in listed] == ["遊び", "spam\nspam"]
    assert "spam spam" in run("users", "comments", "boss").output
    assert run("users", "delete-comments", "boss").output == "2 comments deleted\n"
    assert json.loads(run("users", "comments", "boss", "--json").output) == []

"""`mechshare tokens`"""

import json

from mechshare.application import Application
from mechshare.domain.personal_access_tokens import TokenGrant, is_token_text
from mechshare.entrypoints.cli.context import run as run_with
from mechshare.settings import Settings
from tests.cli.conftest import Run
from tests.cli.test_users import create_admin


def test_a_token_is_created_listed_and_revoked(run: Run, chosen: Settings) -> None:
    create_admin(run)
    created = json.loads(run("tokens", "create", "boss", "bench", "--scope", "read", "--json").output)
    assert is_token_text(created["token"])

    async def use(application: Application) -> object:
        return await application.authentication.authenticate(created["token"])

    assert isinstance(run_with(chosen, use), TokenGrant)
    (listed,) = json.loads(run("tokens", "list", "boss", "--json").output)
    assert (listed["id"], listed["name"], listed["scopes"]) == (created["id"], "bench", ["read"])
    assert "token" not in listed
    assert "bench" in run("tokens", "list", "boss").output
    run("tokens", "revoke", "boss", created["id"])
    assert json.loads(run("tokens", "list", "boss", "--json").output) == []

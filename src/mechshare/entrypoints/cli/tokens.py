"""`mechshare tokens`"""

import click

from mechshare.application import Application
from mechshare.domain.audit import NO_REQUEST
from mechshare.domain.ids import TokenId
from mechshare.domain.personal_access_tokens import (
    DEFAULT_LIFETIME_DAYS,
    MAX_LIFETIME_DAYS,
    PersonalAccessToken,
    Scope,
)
from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json, print_table
from mechshare.services.personal_access_tokens import NewToken
from mechshare.settings import Settings


@click.group()
def tokens() -> None:
    """Create, list and revoke personal access tokens, with which programs call the API."""


@tokens.command("create")
@click.argument("username")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the token may do; may be repeated.",
)
@click.option(
    "--days",
    type=click.IntRange(1, MAX_LIFETIME_DAYS),
    default=DEFAULT_LIFETIME_DAYS,
    show_default=True,
    help="Days after which the token expires.",
)
@json_option
@pass_settings
def create_token(
    chosen: Settings, username: str, name: str, scopes: tuple[str, ...], days: int, as_json: bool
) -> None:
    """Create a token called NAME for the account USERNAME, and print it. It is shown only this once."""
    new = NewToken(name=name, scopes=[Scope(scope) for scope in scopes], expires_in_days=days)

    async def command(application: Application) -> tuple[PersonalAccessToken, str]:
        user = await application.users.find_by_login(username)
        return await application.personal_access_tokens.create(user.id, new, NO_REQUEST)

    token, text = run(chosen, command)
    if as_json:
        print_json({**_shown(token), "token": text})
    else:
        click.echo(text)


@tokens.command("list")
@click.argument("username")
@json_option
@pass_settings
def list_tokens(chosen: Settings, username: str, as_json: bool) -> None:
    """List the tokens of the account USERNAME, the newest first."""

    async def command(application: Application) -> tuple[PersonalAccessToken, ...]:
        user = await application.users.find_by_login(username)
        return await application.personal_access_tokens.find_of_user(user.id)

    found = run(chosen, command)
    if as_json:
        print_json([_shown(token) for token in found])
        return
    print_table(
        ("name", "scopes", "created", "expires", "last used", "id"),
        [
            (
                token.name,
                ", ".join(token.scopes),
                f"{token.created_at:%Y-%m-%d}",
                f"{token.expires_at:%Y-%m-%d}",
                f"{token.last_used_at:%Y-%m-%d}" if token.last_used_at else "",
                token.id,
            )
            for token in found
        ],
    )


@tokens.command()
@click.argument("username")
@click.argument("token_id")
@pass_settings
def revoke(chosen: Settings, username: str, token_id: str) -> None:
    """Revoke the token with the id TOKEN_ID of the account USERNAME at once."""

    async def command(application: Application) -> None:
        user = await application.users.find_by_login(username)
        await application.personal_access_tokens.revoke(user.id, TokenId(token_id), NO_REQUEST)

    run(chosen, command)
    click.echo(f"The token {token_id} is revoked.")


def _shown(token: PersonalAccessToken) -> dict[str, object]:
    """Returns what an operator may see of a token: all but its hash."""
    return {
        "id": token.id,
        "name": token.name,
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }

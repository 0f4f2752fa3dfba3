"""`mechshare users comments` and `mechshare users delete-comments`"""

from collections.abc import Sequence

import click

from mechshare.application import Application
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.comments import Comment
from mechshare.entrypoints.cli.context import OPERATOR, pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json, print_table
from mechshare.settings import Settings


@click.command("comments")
@click.argument("username")
@json_option
@pass_settings
def list_comments(chosen: Settings, username: str, as_json: bool) -> None:
    """List the comments of a user, oldest first."""
    found = run(chosen, lambda application: _comments_of(application, username))
    if as_json:
        print_json(found)
        return
    rows = [(one.created_at.date().isoformat(), one.mechanism_id, one.id, one.text) for one in found]
    print_table(("written", "mechanism", "comment", "text"), rows)


@click.command("delete-comments")
@click.argument("username")
@pass_settings
def delete_comments(chosen: Settings, username: str) -> None:
    """Delete all comments of a user, as after spam. Those that were replied to leave an empty place."""

    async def command(application: Application) -> int:
        found = await _comments_of(application, username)
        for one in found:
            await application.comments.delete(OPERATOR, one.mechanism_id, one.id, RequestMetadata())
        return len(found)

    click.echo(f"{run(chosen, command)} comments deleted")


async def _comments_of(application: Application, username: str) -> Sequence[Comment]:
    user = await application.users.find_by_login(username)
    return await application.comments.find_of_user(OPERATOR, user.id)

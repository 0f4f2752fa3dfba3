"""`mechshare users`"""

import sys

import click
from rich.console import Console
from rich.table import Table

from mechshare.application import Application
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.pagination import MAX_LIMIT, PageRequest
from mechshare.domain.users import Role, User
from mechshare.entrypoints.cli.context import OPERATOR, run
from mechshare.services.users import Registration
from mechshare.settings import Settings


@click.group()
def users() -> None:
    """Create, list and suspend accounts, and change their roles."""


@users.command("create-admin")
@click.argument("username")
@click.argument("email")
@click.password_option(
    help="Prompted for if omitted, which is safer: other users of the machine can read arguments."
)
@click.pass_obj
def create_admin(chosen: Settings, username: str, email: str, password: str) -> None:
    """Create an admin, who may do everything."""
    registration = Registration(username=username, email=email, password=password)

    async def command(application: Application) -> User:
        return await application.users.create_admin(registration)

    user = run(chosen, command)
    click.echo(f"{user.username} is an admin ({user.id})")


@users.command("list")
@click.pass_obj
def list_users(chosen: Settings) -> None:
    """List all accounts, the newest first."""

    async def command(application: Application) -> list[User]:
        found: list[User] = []
        request: PageRequest | None = PageRequest(limit=MAX_LIMIT)
        while request:
            page = await application.users.find_all(OPERATOR, request)
            found += page.items
            request = PageRequest(limit=MAX_LIMIT, after=page.next) if page.next else None
        return found

    table = Table("user name", "e-mail", "role", "suspended", "since")
    for user in run(chosen, command):
        suspended = f"{user.suspended_at:%Y-%m-%d}" if user.suspended_at else ""
        table.add_row(user.username, user.email, user.role.value, suspended, f"{user.created_at:%Y-%m-%d}")
    Console().print(table)


@users.command("set-role")
@click.argument("username")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.pass_obj
def set_role(chosen: Settings, username: str, role: str) -> None:
    """Change the role of an account."""
    user = run(chosen, lambda application: _change(application, username, role=Role(role)))
    click.echo(f"{user.username} is now: {user.role.value}")


@users.command()
@click.argument("username")
@click.pass_obj
def suspend(chosen: Settings, username: str) -> None:
    """Suspend an account and end its sessions."""
    user = run(chosen, lambda application: _change(application, username, suspended=True))
    click.echo(f"{user.username} is suspended")


@users.command()
@click.argument("username")
@click.pass_obj
def reinstate(chosen: Settings, username: str) -> None:
    """End the suspension of an account."""
    user = run(chosen, lambda application: _change(application, username, suspended=False))
    click.echo(f"{user.username} may sign in again")


@users.command("set-password")
@click.argument("username")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)
@click.pass_obj
def set_password(chosen: Settings, username: str, password_stdin: bool) -> None:
    """Set a new password for an account whose owner forgot theirs, and end its sessions.

    The password is prompted for.
    """
    password = _first_line() if password_stdin else _prompted_password()
    user = run(chosen, lambda application: application.users.set_password(username, password))
    click.echo(f"{user.username} has a new password; all sessions of the account have ended")


def _prompted_password() -> str:
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _first_line() -> str:
    """The first line of standard input, without its end. Raises click.UsageError where there is none."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError("--password-stdin needs the password as the first line of standard input.")
    return line


async def _change(
    application: Application, username: str, *, role: Role | None = None, suspended: bool | None = None
) -> User:
    user = await application.users.find_by_login(username)
    return await application.users.change_account_status(
        OPERATOR, user.id, RequestMetadata(), role=role, suspended=suspended
    )

"""`mechshare users`"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from mechshare.application import Application
from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.errors import NameTaken, UserNotFound
from mechshare.domain.groups import OwnGroup
from mechshare.domain.ids import GroupId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.storage_quotas import MAX_QUOTA_BYTES, QuotaOverride, StorageQuota
from mechshare.domain.users import Actor, Role, User
from mechshare.entrypoints.cli.context import OPERATOR, pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json, print_table
from mechshare.services.support.paging import items_of
from mechshare.services.users import Registration
from mechshare.settings import Settings
from mechshare.sizes import bytes_in


@click.group()
def users() -> None:
    """Create, list and suspend accounts, and change their roles and quotas."""


@users.command("create-admin")
@click.argument("username")
@click.argument("email")
@click.option(
    "--password",
    help="Prompted for if omitted, which is safer: other users of the machine can read arguments.",
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)
@click.option(
    "--if-absent",
    is_flag=True,
    help="Succeed and change nothing if this admin exists; for scripts that set up a machine.",
)
@pass_settings
def create_admin(
    chosen: Settings,
    username: str,
    email: str,
    password: str | None,
    password_stdin: bool,
    if_absent: bool,
) -> None:
    """Create an admin, who may do everything."""
    if password is not None and password_stdin:
        raise click.UsageError("--password and --password-stdin exclude each other.")
    if if_absent and (user := run(chosen, lambda application: _find_admin(application, username))):
        click.echo(f"{user.username} was an admin already ({user.id})")
        return
    if password is None:
        password = _first_line() if password_stdin else _prompted_password()
    registration = Registration(username=username, email=email, password=password)
    user, is_new = run(chosen, lambda application: _create_admin(application, registration, if_absent))
    click.echo(f"{user.username} {'is an admin' if is_new else 'was an admin already'} ({user.id})")


@users.command("list")
@json_option
@pass_settings
def list_users(chosen: Settings, as_json: bool) -> None:
    """List all accounts, the newest first."""
    found = run(chosen, lambda application: _all_of(application.users.find_all))
    if as_json:
        print_json(found)
        return
    print_table(
        ("user name", "e-mail", "role", "suspended", "since", "id"),
        [
            (
                user.username,
                user.email,
                user.role.value,
                _day(user.suspended_at),
                _day(user.created_at),
                user.id,
            )
            for user in found
        ],
    )


@users.command("waiting")
@json_option
@pass_settings
def list_waiting(chosen: Settings, as_json: bool) -> None:
    """List the accounts that await approval, the oldest first."""
    found = run(chosen, lambda application: _all_of(application.registrations.find_waiting))
    if as_json:
        print_json(found)
        return
    print_table(
        ("user name", "name", "e-mail", "since", "id"),
        [(user.username, user.display_name, user.email, _day(user.created_at), user.id) for user in found],
    )


@users.command()
@click.argument("username")
@pass_settings
def approve(chosen: Settings, username: str) -> None:
    """Approve an account that awaits approval, so that its owner can sign in."""

    async def command(application: Application) -> User:
        user = await application.users.find_by_login(username)
        return await application.registrations.approve(OPERATOR, user.id, NO_REQUEST)

    click.echo(f"{run(chosen, command).username} may sign in")


@users.command()
@click.argument("username")
@pass_settings
def reject(chosen: Settings, username: str) -> None:
    """Delete an account that awaits approval."""

    async def command(application: Application) -> None:
        user = await application.users.find_by_login(username)
        await application.registrations.reject(OPERATOR, user.id, NO_REQUEST)

    run(chosen, command)
    click.echo(f"{username} is rejected; the account is deleted")


@users.command("export")
@click.argument("username")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@pass_settings
def export_account(chosen: Settings, username: str, file: Path) -> None:
    """Write all data of a user to FILE as a zip: mechanisms with their files, texts, and what the user did here."""

    async def command(application: Application) -> int:
        user = await application.users.find_by_login(username)
        with file.open("xb") as written:
            async for chunk in application.account_exports.content_of(user.id):
                await asyncio.to_thread(written.write, chunk)
            return written.tell()

    click.echo(f"{run(chosen, command)} bytes in {file}")


@users.command("set-role")
@click.argument("username")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@pass_settings
def set_role(chosen: Settings, username: str, role: str) -> None:
    """Change the role of an account."""
    user = run(chosen, lambda application: _change(application, username, role=Role(role)))
    click.echo(f"{user.username} is now: {user.role.value}")


@users.command()
@click.argument("username")
@click.option("--hide-mechanisms", is_flag=True, help="Withdraw all public mechanisms of the account, too.")
@pass_settings
def suspend(chosen: Settings, username: str, hide_mechanisms: bool) -> None:
    """Suspend an account and end its sessions."""
    hides = True if hide_mechanisms else None
    user = run(
        chosen, lambda application: _change(application, username, suspended=True, hides_mechanisms=hides)
    )
    click.echo(
        f"{user.username} is suspended{'; no mechanism of theirs is public' if hide_mechanisms else ''}"
    )


@users.command()
@click.argument("username")
@click.option(
    "--show-mechanisms", is_flag=True, help="Publish again what 'suspend --hide-mechanisms' withdrew."
)
@pass_settings
def reinstate(chosen: Settings, username: str, show_mechanisms: bool) -> None:
    """End the suspension of an account."""
    hides = False if show_mechanisms else None
    user = run(
        chosen, lambda application: _change(application, username, suspended=False, hides_mechanisms=hides)
    )
    click.echo(f"{user.username} may sign in again")


@users.command("set-password")
@click.argument("username")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)
@pass_settings
def set_password(chosen: Settings, username: str, password_stdin: bool) -> None:
    """Set a new password for an account whose owner forgot theirs, and end its sessions.

    The password is prompted for.
    """
    password = _first_line() if password_stdin else _prompted_password()
    user = run(chosen, lambda application: application.users.set_password(username, password))
    click.echo(f"{user.username} has a new password; all sessions of the account have ended")


@users.command("set-quota")
@click.argument("username")
@click.argument("size", metavar="BYTES|none|default")
@click.pass_obj
def set_quota(chosen: Settings, username: str, size: str) -> None:
    """Set how many bytes an account may store: a number, also as 500MiB or 2GiB; none for no limit; default for the
    quota of its role."""
    override = _quota(size)

    async def command(application: Application) -> tuple[User, StorageQuota]:
        user = await _change(application, username, quota=override)
        return user, await application.storage_quotas.get_quota(user.id)

    user, quota = run(chosen, command)
    limit = "without limit" if quota.bytes_limit is None else f"{quota.bytes_limit} bytes"
    click.echo(f"{user.username} may store: {limit}; used: {quota.bytes_used} bytes")


@users.command("set-group-quota")
@click.argument("group_id")
@click.argument("size", metavar="BYTES|none|default")
@click.pass_obj
def set_group_quota(chosen: Settings, group_id: str, size: str) -> None:
    """Set how many bytes each member of a group may store unless their own quota is larger: a number, also as 500MiB
    or 2GiB; none for no limit; default to leave it to their own quotas."""
    override = _quota(size)

    async def command(application: Application) -> OwnGroup:
        return await application.groups.set_member_quota(OPERATOR, GroupId(group_id), override, NO_REQUEST)

    group = run(chosen, command).group
    click.echo(f"members of {group.name}: {group.member_quota_bytes} bytes")


def _quota(text: str) -> QuotaOverride:
    """Returns the quota that the operator wrote. Raises click.UsageError."""
    if text in ("default", "none"):
        return QuotaOverride(None if text == "default" else 0)
    size = bytes_in(text) or 0
    if not 0 < size <= MAX_QUOTA_BYTES:
        raise click.UsageError(
            f"'{text}' is not a quota: write a number of bytes from 1 to {MAX_QUOTA_BYTES}, "
            "such as 500000000, 500MiB or 2GiB; or none, or default."
        )
    return QuotaOverride(size)


def _prompted_password() -> str:
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _first_line() -> str:
    """The first line of standard input, without its end. Raises click.UsageError where there is none."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError("--password-stdin needs the password as the first line of standard input.")
    return line


async def _all_of(find_page: Callable[[Actor, PageRequest], Awaitable[Page[User]]]) -> list[User]:
    return [user async for user in items_of(partial(find_page, OPERATOR))]


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d}" if time else ""


async def _find_admin(application: Application, username: str) -> User | None:
    """Returns the admin with this name; None if there is no such user. Raises click.ClickException if the user is not
    an admin."""
    try:
        user = await application.users.find_by_login(username)
    except UserNotFound:
        return None
    if user.role is not Role.ADMIN:
        raise click.ClickException(
            f"{user.username} exists and is not an admin: {user.role.value}. To make an admin of this account: "
            f"mechshare users set-role {user.username} admin"
        )
    return user


async def _create_admin(
    application: Application, registration: Registration, if_absent: bool
) -> tuple[User, bool]:
    """Returns the admin and whether this call created the account: another program may do the same at the moment."""
    try:
        return await application.users.create_admin(registration), True
    except NameTaken:
        existing = await _find_admin(application, registration.username) if if_absent else None
        if existing is None:
            raise
        return existing, False


async def _change(
    application: Application,
    username: str,
    *,
    role: Role | None = None,
    suspended: bool | None = None,
    quota: QuotaOverride | None = None,
    hides_mechanisms: bool | None = None,
) -> User:
    user = await application.users.find_by_login(username)
    return await application.users.change_account_status(
        OPERATOR,
        user.id,
        RequestMetadata(),
        role=role,
        suspended=suspended,
        quota=quota,
        hides_mechanisms=hides_mechanisms,
    )

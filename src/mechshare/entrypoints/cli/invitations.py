"""`mechshare invitations`"""

import click

from mechshare.application import Application
from mechshare.domain.audit import NO_REQUEST
from mechshare.domain.ids import InvitationId
from mechshare.domain.invitations import (
    DEFAULT_INVITATION_DAYS,
    MAX_INVITATION_DAYS,
    MAX_INVITATION_USES,
    Invitation,
)
from mechshare.entrypoints.cli.context import OPERATOR, pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json, print_table
from mechshare.services.invitations import NewInvitation
from mechshare.settings import Settings


@click.group()
def invitations() -> None:
    """Create, list and revoke invitations, with which people create accounts."""


@invitations.command("create")
@click.option("--note", default="", help="Whom it is for; only admins see this.")
@click.option(
    "--uses",
    type=click.IntRange(1, MAX_INVITATION_USES),
    default=1,
    show_default=True,
    help="How many accounts it can create.",
)
@click.option(
    "--days",
    type=click.IntRange(1, MAX_INVITATION_DAYS),
    default=DEFAULT_INVITATION_DAYS,
    show_default=True,
    help="Days after which it expires.",
)
@json_option
@pass_settings
def create_invitation(chosen: Settings, note: str, uses: int, days: int, as_json: bool) -> None:
    """Create an invitation, and print the path of its link, which follows the address of your site.

    The link is shown only this once. With MECHSHARE_PUBLIC_URL, the whole address is printed.
    """
    new = NewInvitation(note=note, max_uses=uses, expires_in_days=days)

    async def command(application: Application) -> tuple[Invitation, str]:
        return await application.invitations.create(OPERATOR, new, NO_REQUEST)

    invitation, secret = run(chosen, command)
    url = f"{chosen.public_url}/register?invitation={secret}"
    if as_json:
        print_json({**_shown(invitation), "url": url})
    else:
        click.echo(url)


@invitations.command("list")
@json_option
@pass_settings
def list_invitations(chosen: Settings, as_json: bool) -> None:
    """List all invitations, the newest first."""

    async def command(application: Application) -> tuple[Invitation, ...]:
        return await application.invitations.find_all(OPERATOR)

    found = run(chosen, command)
    if as_json:
        print_json([_shown(one) for one in found])
        return
    print_table(
        ("note", "used", "expires", "id"),
        [(one.note, f"{one.uses}/{one.max_uses}", f"{one.expires_at:%Y-%m-%d}", one.id) for one in found],
    )


@invitations.command("revoke")
@click.argument("invitation_id")
@pass_settings
def revoke_invitation(chosen: Settings, invitation_id: str) -> None:
    """Revoke the invitation with the id INVITATION_ID at once."""

    async def command(application: Application) -> None:
        await application.invitations.revoke(OPERATOR, InvitationId(invitation_id), NO_REQUEST)

    run(chosen, command)
    click.echo(f"The invitation {invitation_id} is revoked.")


def _shown(invitation: Invitation) -> dict[str, object]:
    """Returns what an operator may see of an invitation: all but its hash."""
    return {
        "id": invitation.id,
        "note": invitation.note,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
        "max_uses": invitation.max_uses,
        "uses": invitation.uses,
    }

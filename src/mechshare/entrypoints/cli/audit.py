"""`mechshare audit`"""

from datetime import UTC, datetime

import click

from mechshare.application import Application
from mechshare.domain.audit import AuditAction, AuditEntry, audit_filter
from mechshare.domain.ids import is_id
from mechshare.entrypoints.cli.context import OPERATOR, pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json, print_table
from mechshare.services.support.paging import items_of
from mechshare.settings import Settings

_TIMES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])
MAX_ENTRIES = 100_000


@click.command()
@click.option(
    "--action", type=click.Choice([action.value for action in AuditAction]), help="Only this action."
)
@click.option("--actor", default="", help="Only what this user did: a user name, e-mail address or id.")
@click.option("--subject", default="", help="Only what concerns this account name or id.")
@click.option("--address", default="", help="Only from this client address.")
@click.option("--since", type=_TIMES, help="Only entries from this time on (UTC).")
@click.option("--until", type=_TIMES, help="Only entries before this time (UTC).")
@click.option(
    "--limit", type=click.IntRange(1, MAX_ENTRIES), default=50, show_default=True, help="Entries to list."
)
@json_option
@pass_settings
def audit(
    chosen: Settings,
    action: str | None,
    actor: str,
    subject: str,
    address: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """List entries of the audit log, the newest first."""

    async def command(application: Application) -> list[AuditEntry]:
        is_name = actor and not is_id(actor)
        actor_id = (await application.users.find_by_login(actor)).id if is_name else actor
        conditions = audit_filter(
            AuditAction(action) if action else None, actor_id, subject, address, _utc(since), _utc(until)
        )
        found: list[AuditEntry] = []
        async for entry in items_of(
            lambda request: application.audit.find_all(OPERATOR, request, conditions)
        ):
            found.append(entry)
            if len(found) == limit:
                break
        return found

    found = run(chosen, command)
    if as_json:
        print_json(found)
        return
    print_table(
        ("time", "action", "by", "concerning", "address", "detail"),
        [
            (
                f"{entry.at:%Y-%m-%dT%H:%M:%SZ}",
                entry.action.value,
                entry.actor_id or "",
                entry.subject,
                entry.address,
                entry.detail,
            )
            for entry in found
        ],
    )


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None

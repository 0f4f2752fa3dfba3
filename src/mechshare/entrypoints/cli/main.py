"""The command `mechshare`."""

import errno
import os
import sys
from typing import NoReturn

import click

from mechshare.domain.errors import DomainException
from mechshare.entrypoints.cli.audit import audit
from mechshare.entrypoints.cli.backup import backup, restore
from mechshare.entrypoints.cli.copy import copy
from mechshare.entrypoints.cli.demo import demo
from mechshare.entrypoints.cli.explanations import explained
from mechshare.entrypoints.cli.export import export
from mechshare.entrypoints.cli.import_clips import import_clips
from mechshare.entrypoints.cli.invitations import invitations
from mechshare.entrypoints.cli.jobs import jobs
from mechshare.entrypoints.cli.maintenance import doctor, migrate, reindex
from mechshare.entrypoints.cli.models import draw_models
from mechshare.entrypoints.cli.motion import analyse, motion, search, similar
from mechshare.entrypoints.cli.prune import prune
from mechshare.entrypoints.cli.serve import serve, worker
from mechshare.entrypoints.cli.tokens import tokens
from mechshare.entrypoints.cli.user_comments import delete_comments, list_comments
from mechshare.entrypoints.cli.users import users
from mechshare.entrypoints.cli.verify import verify
from mechshare.entrypoints.masking import masked
from mechshare.entrypoints.startup import private_files
from mechshare.setting_values import SettingsError

_ADVICE = {
    errno.EROFS: " The file system is read-only: mount it writable, or choose another folder.",
    errno.EACCES: " Give the user that runs mechshare the permission, or choose another folder.",
    errno.EPERM: " Give the user that runs mechshare the permission, or choose another folder.",
    errno.ENOSPC: " Free space on that disk.",
    errno.EDQUOT: " Free space, or raise the quota.",
}
_EXPECTED = (*_ADVICE, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EMFILE, errno.ENAMETOOLONG)
"""Errors of files that the operator can fix; any other is a defect, and its traceback is shown."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Everything is set by environment variables that begin with MECHSHARE_; see docs/settings.md.",
)
@click.version_option(package_name="mechshare")
def cli() -> None:
    """Share how things move and why things happen: clips, pictures and documents that colleagues find and reuse."""


cli.add_command(serve)
cli.add_command(worker)
cli.add_command(demo)
cli.add_command(import_clips)
cli.add_command(export)
cli.add_command(users)
users.add_command(list_comments)
users.add_command(delete_comments)
cli.add_command(tokens)
cli.add_command(invitations)
cli.add_command(jobs)
cli.add_command(audit)
cli.add_command(migrate)
cli.add_command(copy)
cli.add_command(backup)
cli.add_command(restore)
cli.add_command(verify)
cli.add_command(prune)
cli.add_command(reindex)
cli.add_command(analyse)
cli.add_command(draw_models)
cli.add_command(search)
cli.add_command(similar)
cli.add_command(motion)
cli.add_command(doctor)


def main() -> None:
    """Runs the command line. For an expected error it prints one line and exits with status 1."""
    private_files()
    try:
        cli(color=False if os.environ.get("NO_COLOR") else None)
    except DomainException as problem:
        _fail(explained(problem))
    except SettingsError as problem:
        _fail(str(problem))
    except OSError as problem:
        if problem.errno not in _EXPECTED:
            raise
        where = f": '{problem.filename}'" if problem.filename else ""
        _fail(f"{problem.strerror}{where}.{_ADVICE.get(problem.errno or 0, '')}")


def _fail(message: str) -> NoReturn:
    click.secho(masked(message), fg="red", err=True)
    sys.exit(1)

"""The command `mechshare`."""

import os
import sys

import click

from mechshare import settings
from mechshare.domain.errors import DomainException
from mechshare.entrypoints.cli.backup import backup, restore
from mechshare.entrypoints.cli.copy import copy
from mechshare.entrypoints.cli.demo import demo
from mechshare.entrypoints.cli.import_clips import import_clips
from mechshare.entrypoints.cli.jobs import jobs
from mechshare.entrypoints.cli.maintenance import doctor, migrate, reindex
from mechshare.entrypoints.cli.serve import serve, worker
from mechshare.entrypoints.cli.users import users
from mechshare.entrypoints.logs import configure_logging
from mechshare.entrypoints.startup import private_files
from mechshare.settings import SettingsError


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Everything is set by environment variables that begin with MECHSHARE_; see docs/operations.md.",
)
@click.version_option(package_name="mechshare")
def cli() -> None:
    """Share how things move and why things happen: short clips that colleagues find, trust and reuse."""


cli.add_command(serve)
cli.add_command(worker)
cli.add_command(demo)
cli.add_command(import_clips)
cli.add_command(users)
cli.add_command(jobs)
cli.add_command(migrate)
cli.add_command(copy)
cli.add_command(backup)
cli.add_command(restore)
cli.add_command(reindex)
cli.add_command(doctor)


def main() -> None:
    """Runs the command line. For an expected error it prints one line and exits with status 1."""
    private_files()
    try:
        chosen = settings.load(os.environ)
        configure_logging(chosen)
        cli(obj=chosen)
    except (DomainException, SettingsError) as problem:
        click.secho(str(problem), fg="red", err=True)
        sys.exit(1)

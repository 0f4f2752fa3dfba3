"""The reference page of the command line matches the program's help."""

import click

from mechshare.entrypoints.cli.main import cli
from tests.documents import committed

UPDATE = "run: UPDATE_DOCS=1 nox -s tests -- tests/cli/test_reference.py"
_INTRODUCTION = """# Command line

Generated from the program's own help. [Settings](settings.md) lists the environment variables.
"""


def page() -> str:
    root = click.Context(cli, info_name="mechshare", **cli.context_settings)
    return "\n".join([_INTRODUCTION, *sections(cli, root)])


def sections(command: click.Command, context: click.Context) -> list[str]:
    help_text = command.get_help(
        # The settings hold the names of the help option, which Click remembers from the first context.
        click.Context(
            command, context.parent, context.info_name, terminal_width=100, **command.context_settings
        )
    )
    made = [f"## {context.command_path}\n", f"```text\n{help_text}\n```\n"]
    for name, child in sorted(getattr(command, "commands", {}).items()):
        made += sections(child, click.Context(child, context, name))
    return made


def test_every_command_is_in_the_reference() -> None:
    assert committed("cli.md", page()) == page(), UPDATE


def test_every_command_and_option_has_a_help_text() -> None:
    def walk(command: click.Command, path: str) -> list[str]:
        missing = [] if command.help else [path]
        missing += [
            f"{path} {option.opts[0]}"
            for option in command.params
            if isinstance(option, click.Option) and not option.help
        ]
        for name, child in getattr(command, "commands", {}).items():
            missing += walk(child, f"{path} {name}")
        return missing

    assert walk(cli, "mechshare") == []

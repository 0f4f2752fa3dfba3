"""`mechshare draw-models`"""

import click

from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json
from mechshare.settings import Settings


@click.command("draw-models")
@json_option
@pass_settings
def draw_models(chosen: Settings, as_json: bool) -> None:
    """Have workers draw the thumbnails of attached 3-D models (STL, 3MF) that an earlier release received.

    Each model is a job. Run it again at any time: a model that waits for its job, has a thumbnail or can't be drawn is
    left alone.
    """
    count = run(chosen, lambda application: application.model_thumbnails.draw_missing())
    if as_json:
        print_json({"requested": count})
    else:
        click.echo(f"{count} models wait for their thumbnails; 'mechshare jobs list' shows the jobs")

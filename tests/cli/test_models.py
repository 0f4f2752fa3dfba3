"""`mechshare draw-models`"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from mechshare.settings import Settings
from tests.cli.conftest import Run
from tests.cli.test_users import create_admin
from tests.solids import stl

_AS_IN_AN_EARLIER_RELEASE = "UPDATE attachments SET thumbnail_key = NULL, thumbnail_failure = NULL"


def test_models_without_a_thumbnail_wait_for_one_job_each(run: Run, chosen: Settings, clips: Path) -> None:
    create_admin(run)
    (clips / "part.stl").write_bytes(stl())
    manifest = {"mechanisms": [{"file": "歯車.gif", "attachments": ["part.stl"]}]}
    (clips / "clips.json").write_text(json.dumps(manifest))
    run("import", clips / "clips.json", "--as", "boss")
    with closing(sqlite3.connect(chosen.data / "mechshare.db")) as database, database:
        database.execute(_AS_IN_AN_EARLIER_RELEASE)

    for _ in range(2):
        assert json.loads(run("draw-models", "--json").stdout) == {"requested": 1}

    waiting = json.loads(run("jobs", "list", "--state", "queued", "--json").stdout)
    assert [job["kind"] for job in waiting].count("draw_model") == 1

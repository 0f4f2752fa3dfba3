"""The logs of a server process."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import logging, os
from mechshare import settings
from mechshare.entrypoints.logs import configure_logging

def login(password):
    try:
        raise ZeroDivisionError("a defect")
    except ZeroDivisionError:
        logging.getLogger(os.environ["LOGGER"]).warning("it broke", exc_info=True)

configure_logging(settings.load(os.environ))
login("-".join(("planted", "secret")))
"""


def logged(logger: str, log_format: str) -> str:
    environ = {**os.environ, "LOGGER": logger, "MECHSHARE_LOG_FORMAT": log_format}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environ, capture_output=True, check=True)
    return done.stderr.decode()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_frames_and_no_values(log_format: str) -> None:
    output = logged("asyncio", log_format)
    assert all(word in output for word in ("it broke", "a defect", "login"))
    assert "planted-secret" not in output


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_search_server_that_does_not_respond_is_logged_in_one_line(log_format: str) -> None:
    """Many requests may fail at once, and the database serves them meanwhile, so a traceback for each is noise."""
    output = logged("opensearch", log_format)
    assert "it broke" in output
    assert output.count("\n") == 1

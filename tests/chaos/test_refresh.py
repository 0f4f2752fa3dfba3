"""A server that dies between replacing a refresh token and sending the response."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mechshare.application import Application
from mechshare.bootstrap.application import build
from mechshare.domain.audit import RequestMetadata
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.services.users import Registration
from mechshare.settings import load

HERE = RequestMetadata(address="192.0.2.1", user_agent="test", request_id="r-1")
PASSWORD = "four-bar linkage"


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[Application]:
    application = build(load(_environ(tmp_path)), LoggingObserver())
    await application.installation.prepare()
    yield application
    await application.close()


async def test_a_client_whose_response_was_lost_stays_signed_in(
    application: Application, tmp_path: Path
) -> None:
    registration = Registration(username="mika", email="mika@example.com", password=PASSWORD)
    await application.users.register(registration, HERE)
    tokens = await application.sessions.login("mika", PASSWORD, HERE)

    command = [sys.executable, "-m", "tests.chaos.doomed_refresh", tokens.refresh_token]
    environ = {**os.environ, **_environ(tmp_path)}
    killed = await asyncio.to_thread(subprocess.run, command, env=environ, check=False, timeout=300)

    assert killed.returncode == -signal.SIGKILL
    again = await application.sessions.refresh(tokens.refresh_token, HERE)
    caller = await application.authentication.authenticate(again.access_token)
    assert caller.session_id == tokens.session_id
    assert await application.sessions.refresh(again.refresh_token, HERE)


def _environ(folder: Path) -> dict[str, str]:
    return {"MECHSHARE_DATA": str(folder / "data")}

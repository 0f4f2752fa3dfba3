"""The npm programs that the tests run, at pinned versions, installed once outside the repository."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from servers.getting import cache_folder

_VERSIONS = Path(__file__).with_name("versions.toml")
# npm and Node.js trust only the certificates bundled with Node.js unless the machine's are configured.
_ENVIRON = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt", **os.environ}


def run_npm_program(name: str, *arguments: str, cwd: Path) -> str:
    """Runs the program and returns its output. Raises AssertionError with the output if it fails; skips if npm is
    missing."""
    return run([str(npm_packages() / ".bin" / name), *arguments], cwd)


def run(command: list[str], cwd: Path) -> str:
    """Runs the command and returns its output; it must succeed within ten minutes."""
    done = subprocess.run(command, cwd=cwd, env=_ENVIRON, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def npm_packages() -> Path:
    """Returns the node_modules with the packages of versions.toml; each set of versions has a folder of its own."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is missing: install Node.js")
    text = _VERSIONS.read_bytes()
    folder = cache_folder() / f"npm-{hashlib.sha256(text).hexdigest()[:12]}"
    packages = [f"{name}@{version}" for name, version in tomllib.loads(text.decode()).items()]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the tests may install them at the same time
        if not (folder / "complete").exists():
            install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
            run([*install, *packages], folder)
            (folder / "complete").touch()
    return folder / "node_modules"

"""The npm programs that the tests run, at pinned versions, installed once outside the repository."""

import hashlib
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from servers.getting import cache_folder

_VERSIONS = Path(__file__).with_name("versions.toml")
# npm and Node.js know only the certificates that Node.js brings, unless the machine's are named.
_ENVIRON = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt", **os.environ}


def run_npm_program(name: str, *arguments: str, cwd: Path) -> str:
    """What the program prints. Raises AssertionError, with the output, where it fails; skips where npm is missing."""
    return run([str(npm_packages() / ".bin" / name), *arguments], cwd)


def run(command: list[str], cwd: Path) -> str:
    """What the command prints; it has to succeed within five minutes."""
    done = subprocess.run(command, cwd=cwd, env=_ENVIRON, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def npm_packages() -> Path:
    """The node_modules with the packages of versions.toml; another set of versions gets another folder."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is missing: install Node.js")
    text = _VERSIONS.read_bytes()
    folder = cache_folder() / f"npm-{hashlib.sha256(text).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        packages = [f"{name}@{version}" for name, version in tomllib.loads(text.decode()).items()]
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
        folder.mkdir(parents=True, exist_ok=True)
        run([*install, *packages], folder)
        (folder / "complete").touch()
    return folder / "node_modules"

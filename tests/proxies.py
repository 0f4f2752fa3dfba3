"""nginx, Caddy and Apache, started from the files in deploy/ with other ports and paths."""

import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from servers.ports import free_port

from tests.documents import ROOT

STARTED_WITHIN = 300
_APACHE_MODULES = Path("/usr/lib/apache2/modules")
_MODULES = (
    *("mpm_event", "authz_core", "alias", "env", "setenvif", "filter", "headers", "deflate", "socache_shmcb"),
    *("ssl", "proxy", "proxy_http", "reqtimeout", "rewrite"),
)
_PROGRAMS = {"nginx": "nginx", "caddy": "caddy", "apache": "apache2"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one proxy runs: its folder, its ports, and the address of mechshare."""

    folder: Path
    http: int
    https: int
    mechshare: str
    process: "subprocess.Popen[bytes] | None" = None


def certificate(folder: Path) -> ssl.SSLContext:
    """Writes cert.pem and key.pem for 127.0.0.1 into `folder`; returns a context that trusts them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mechshare")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    return ssl.create_default_context(cafile=str(folder / "cert.pem"))


@contextmanager
def proxy(kind: str, folder: Path, mechshare: str, *, compresses: bool = False) -> Iterator[Place]:
    """Runs a proxy in front of `mechshare` (host:port), with the certificate of the folder above `folder`.

    With `compresses`, enables the lines of the file that make the proxy itself compress. Skips the test if the
    program is not installed.
    """
    program = shutil.which(_PROGRAMS[kind], path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip(f"{_PROGRAMS[kind]} is not installed")
    folder.mkdir()
    place = Place(folder=folder, http=free_port(), https=free_port(), mechshare=mechshare)
    arguments, text = _CONFIGURED[kind](place)
    (folder / "mechshare.conf").write_text(_compressing(text) if compresses else text, encoding="utf-8")
    environ = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *arguments], env=environ, stdout=log, stderr=log, cwd=folder)
    try:
        yield replace(place, process=process)
    finally:
        process.terminate()
        process.wait(240)


def wait_until_served(place: Place, trusted: ssl.SSLContext) -> None:
    """Waits until mechshare responds through the proxy. Raises TimeoutError with its log, at once if it ended."""
    ends = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < ends and place.process and place.process.poll() is None:
        try:
            url = f"https://127.0.0.1:{place.https}/mechshare/health/live"
            if httpx.get(url, verify=trusted, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass  # the proxy does not listen yet
        time.sleep(0.05)
    raise TimeoutError((place.folder / "log").read_text()[-2000:])


def _certificate_and_server(place: Place) -> tuple[tuple[str, str], ...]:
    return (
        (r"/etc/ssl/certs/mechshare.pem", f"{place.folder.parent}/cert.pem"),
        (r"/etc/ssl/private/mechshare.key", f"{place.folder.parent}/key.pem"),
        (r"127\.0\.0\.1:8000", place.mechshare),
    )


def _nginx(place: Place) -> tuple[list[str], str]:
    temporary = "".join(
        f"{name}_temp_path {place.folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = (
        f"daemon off; worker_processes 1; pid {place.folder}/pid; {'user root;' if os.getuid() == 0 else ''}\n"
        f"events {{ worker_connections 256; }}\n"
        f"http {{ access_log off; {temporary} include {place.folder}/mechshare.conf; }}\n"
    )
    (place.folder / "nginx.conf").write_text(main)
    text = _replaced(
        "nginx/mechshare.conf",
        (r"^ *listen \[::\].*\n", ""),
        (r"/var/log/nginx", f"{place.folder}"),
        (r"listen 80;", f"listen 127.0.0.1:{place.http};"),
        (r"listen 443", f"listen 127.0.0.1:{place.https}"),
        (r"/var/lib/mechshare/blobs/", f"{place.folder.parent}/data/blobs/"),
        *_certificate_and_server(place),
    )
    return ["-e", "stderr", "-p", str(place.folder), "-c", str(place.folder / "nginx.conf")], text


def _caddy(place: Place) -> tuple[list[str], str]:
    site = f"https://127.0.0.1:{place.https}"
    files = f"tls {place.folder.parent}/cert.pem {place.folder.parent}/key.pem"
    text = _replaced(
        "caddy/Caddyfile",
        (r"admin off", f"admin off\n\thttp_port {place.http}\n\tskip_install_trust"),
        (r"^mechshare\.example \{", f"{site} {{\n\tbind 127.0.0.1\n\t{files}"),
        (r"127\.0\.0\.1:8000", place.mechshare),
    )
    return ["run", "--adapter", "caddyfile", "--config", str(place.folder / "mechshare.conf")], text


def _apache(place: Place) -> tuple[list[str], str]:
    available = [name for name in _MODULES if (_APACHE_MODULES / f"mod_{name}.so").exists()]
    loaded = "".join(f"LoadModule {name}_module {_APACHE_MODULES}/mod_{name}.so\n" for name in available)
    main = (
        f"ServerName localhost\nServerRoot {place.folder}\nDefaultRuntimeDir {place.folder}\n"
        f"PidFile {place.folder}/pid\nErrorLog {place.folder}/log\nUser www-data\nGroup www-data\n{loaded}"
        f"Listen 127.0.0.1:{place.http}\nListen 127.0.0.1:{place.https} https\n"
        f"Include {place.folder}/mechshare.conf\n"
    )
    (place.folder / "apache2.conf").write_text(main)
    text = _replaced(
        "apache/mechshare.conf",
        (r"\$\{APACHE_LOG_DIR\}", f"{place.folder}"),
        (r"\*:80>", f"127.0.0.1:{place.http}>"),
        (r"\*:443>", f"127.0.0.1:{place.https}>"),
        *_certificate_and_server(place),
    )
    return ["-D", "FOREGROUND", "-f", str(place.folder / "apache2.conf")], text


_CONFIGURED: dict[str, Callable[[Place], tuple[list[str], str]]] = {
    "nginx": _nginx,
    "caddy": _caddy,
    "apache": _apache,
}


def _replaced(name: str, *changes: tuple[str, str]) -> str:
    """Returns a file of deploy/ with each pattern replaced; fails if one of them is not in the file."""
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert count, (name, pattern)
    return text


def _compressing(text: str) -> str:
    """Enables the lines that are commented out without a space, and removes those that they replace."""
    text = re.sub(r"^\s*(gzip off;(?!\n    \})|SetEnv no-\w+ 1)\n", "", text, flags=re.MULTILINE)
    enabled, count = re.subn(r"^(\s*)#(?=[A-Za-z])", r"\1", text, flags=re.MULTILINE)
    assert count
    return enabled

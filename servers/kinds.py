"""The four servers of a distributed mechshare, each ready to be started in a folder of its own."""

import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from servers import getting
from servers.running import GROUP, USER, VERSIONS, Server, ServerAbsent, hand_over, own_folder, responds

# Azurite's public account: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def postgresql(root: Path, *, waits_for_disk: bool = False) -> Server:
    """Returns a server with many connections, ordering by code points and no password for this machine.

    Unless it `waits_for_disk`, as in production, a loss of power could lose what it has acknowledged. A kill of its
    processes never does, and no test stalls for seconds because the disk of a busy machine is slow.
    """
    where = f"/usr/lib/postgresql/{VERSIONS['postgresql']}/bin"
    program = Path(getting.debian_program("postgres", f"postgresql-{VERSIONS['postgresql']}", where=where))
    folder = own_folder(root, "postgresql")
    data = folder / "data"
    make = [str(program.with_name("initdb")), "-D", str(data), "-U", "mechshare", "--auth=trust"]
    make += ["--encoding=UTF8", "--locale=C.UTF-8"]
    # In `folder`, because the user nobody may have no access to the current folder.
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, user=USER, group=GROUP)
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    options += ["-c", "max_connections=200", "-c", f"fsync={'on' if waits_for_disk else 'off'}"]
    pg_isready = str(program.with_name("pg_isready"))

    def is_ready(port: int) -> bool:
        result = subprocess.run([pg_isready, "-q", "-h", "127.0.0.1", "-p", str(port)], check=False)
        return result.returncode == 0

    return Server(
        "PostgreSQL",
        folder,
        lambda port: [str(program), "-D", str(data), "-p", str(port), *options],
        is_ready,
        # Closes open sessions instead of waiting for them.
        stop_with=signal.SIGINT,
    )


def redis(root: Path, *options: str) -> Server:
    """Returns a server without persistence."""
    program = getting.debian_program("redis-server", "redis-server")
    output = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    if not re.search(rf"v={VERSIONS['redis']}\.", output):
        raise ServerAbsent(f"Redis {VERSIONS['redis']} is needed; this is {output.strip()}")
    rules = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *options]
    return Server(
        "Redis",
        own_folder(root, "redis"),
        lambda port: [program, "--port", str(port), *rules],
        lambda port: responds(port, b"PING\r\n", b"+PONG"),
    )


def azurite(root: Path) -> Server:
    """Returns the emulator of Azure Blob Storage. Blobs survive a stop, as in the service."""
    program = getting.azurite()
    folder = own_folder(root, "azurite")
    quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--blobHost", "127.0.0.1"]
    return Server(
        "Azurite",
        folder,
        lambda port: [program, *quiet, "--blobPort", str(port), "--location", str(folder)],
        lambda port: responds(port, b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 "),
    )


def opensearch(root: Path) -> Server:
    home = getting.opensearch()
    folder = own_folder(root, "opensearch")
    config = folder / "config"
    shutil.copytree(home / "config", config)
    options = config / "jvm.options"
    # Without the logs in the program's folder, which is not writable.
    console_lines = [line for line in options.read_text().splitlines() if "logs/" not in line]
    options.write_text("\n".join(console_lines) + "\n")

    def command(port: int) -> list[str]:
        lines = {
            "discovery.type": "single-node",
            "http.host": "127.0.0.1",
            "http.port": str(port),
            "transport.host": "127.0.0.1",
            "transport.port": "0",
            "path.data": str(folder / "data"),
            "path.logs": str(folder / "logs"),
        }
        (config / "opensearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
        hand_over(config)
        return [str(home / "bin" / "opensearch")]

    environ = {
        "OPENSEARCH_JAVA_HOME": str(getting.java_home()),
        "OPENSEARCH_JAVA_OPTS": "-Xms512m -Xmx512m",
        "OPENSEARCH_PATH_CONF": str(config),
    }
    return Server("OpenSearch", folder, command, _is_searchable, environ)


def _is_searchable(port: int) -> bool:
    try:
        address = f"http://127.0.0.1:{port}/_cluster/health?wait_for_status=yellow&timeout=1s"
        with urllib.request.urlopen(address, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


KINDS: Mapping[str, Callable[[Path], Server]] = {
    "postgresql": postgresql,
    "redis": redis,
    "azurite": azurite,
    "opensearch": opensearch,
}


def environment(kind: str, port: int) -> dict[str, str]:
    """Returns the variables by which mechshare (MECHSHARE_...) and its tests (TEST_...) find this server."""
    at = f"127.0.0.1:{port}"
    if kind == "postgresql":
        url = f"postgresql://mechshare@{at}"
        return {"MECHSHARE_DATABASE_URL": f"{url}/postgres", "TEST_POSTGRESQL_URL": f"{url}/postgres"}
    if kind == "redis":
        ports = {f"MECHSHARE_{port}_URL": f"redis://{at}/0" for port in ("JOBS", "CACHE", "LIMITS")}
        return {**ports, "TEST_REDIS_URL": f"redis://{at}/1"}
    if kind == "azurite":
        connection = (
            f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};"
            f"BlobEndpoint=http://{at}/{_ACCOUNT};"
        )
        return {
            "MECHSHARE_BLOBS_URL": "azure:///mechshare",
            "MECHSHARE_BLOBS_CONNECTION_STRING": connection,
            "TEST_AZURE_CONNECTION_STRING": connection,
        }
    return {"MECHSHARE_SEARCH_URL": f"opensearch://{at}", "TEST_OPENSEARCH_URL": f"http://{at}"}

"""Finds or downloads the servers' programs: Debian's packages, npm and Maven Central. Downloads are cached."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

from servers.running import VERSIONS, ServerAbsent

_FETCH = "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:get"
_APT_OPTIONS = ("-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=5")
"""Waits for another apt, as a new machine may run one, and downloads again what did not arrive."""
_NPM_SETTINGS = {"npm_config_fetch_retries": "6"}
_MAVEN_OPTIONS = ("-Daether.connector.http.retryHandler.count=6", "-Dmaven.wagon.http.retryHandler.count=6")
_ANALYSIS_COMMON = """\
description=Adds the analysers and token filters that most indexes use
version={version}
name=analysis-common
classname=org.opensearch.analysis.common.CommonAnalysisModulePlugin
java.version=21
opensearch.version={version}
custom.foldername=
extended.plugins=
has.native.controller=false
"""


def cache_folder() -> Path:
    """Returns a folder outside the repository that the servers' user can read."""
    if os.geteuid() == 0:
        folder = Path("/var/cache/mechshare-servers")
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mechshare-servers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def debian_program(name: str, package: str, *, where: str = "") -> str:
    """Returns the path of a program; installs Debian's package if it is missing and this is root. Raises
    ServerAbsent."""
    found = shutil.which(name, path=where or None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        apt = ["apt-get", "-q", *_APT_OPTIONS]
        subprocess.run([*apt, "update"], check=False, stdout=subprocess.DEVNULL, env=environ)
        subprocess.run([*apt, "install", "-y", package], check=True, stdout=subprocess.DEVNULL, env=environ)
        found = shutil.which(name, path=where or None)
    if found is None:
        raise ServerAbsent(f"{name} is missing: install {package}, as with 'apt-get install {package}'.")
    return found


def azurite() -> str:
    """Returns the path of Azurite's program, installing it by npm if necessary. Raises ServerAbsent."""
    folder = cache_folder() / f"azurite-{VERSIONS['azurite']}"
    program = folder / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        if shutil.which("npm") is None:
            raise ServerAbsent("npm is missing, which Azurite comes from: install Node.js.")
        fetch = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
        # npm trusts only the certificates bundled with Node.js unless the machine's are configured.
        trust = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt"}
        environ = {**trust, **_NPM_SETTINGS, **os.environ}
        subprocess.run([*fetch, f"azurite@{VERSIONS['azurite']}"], check=True, env=environ)
    return str(program)


def opensearch() -> Path:
    """Returns the folder of OpenSearch, with the module that has the cjk analyser. Raises ServerAbsent."""
    version = VERSIONS["opensearch"]
    folder = cache_folder() / f"opensearch-{version}"
    if folder.exists():
        return folder
    if shutil.which("mvn") is None:
        raise ServerAbsent("mvn is missing, which OpenSearch comes from: install Maven.")
    distribution = _from_maven("org.opensearch.distribution.integ-test-zip", "opensearch", version, "zip")
    analysis = _from_maven("org.opensearch.plugin", "analysis-common", version, "jar")
    making = folder.with_name(f"making-{os.getpid()}")
    with zipfile.ZipFile(distribution) as archive:
        archive.extractall(making)
    (made,) = making.iterdir()
    for program in (made / "bin").iterdir():
        program.chmod(0o755)
    module = made / "modules" / "analysis-common"
    module.mkdir(parents=True)
    shutil.copy(analysis, module)
    (module / "plugin-descriptor.properties").write_text(_ANALYSIS_COMMON.format(version=version))
    made.rename(folder)
    making.rmdir()
    return folder


def java_home() -> Path:
    """Returns the folder of a JDK of version 21 or newer. Raises ServerAbsent."""
    known = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    for home in (*known, *sorted(Path("/usr/lib/jvm").glob("*"))):
        release = home / "release"
        if release.exists():
            facts = dict(line.split("=", 1) for line in release.read_text().splitlines() if "=" in line)
            if int(facts.get("JAVA_VERSION", '"0"').strip('"').split(".")[0]) >= 21:
                return home
    raise ServerAbsent("a JDK of version 21 or newer is missing, which OpenSearch needs: install one.")


def _from_maven(group: str, name: str, version: str, packaging: str) -> Path:
    artifact = f"{group}:{name}:{version}:{packaging}"
    fetch = ["mvn", "-q", "-B", *_MAVEN_OPTIONS, _FETCH, f"-Dartifact={artifact}", "-Dtransitive=false"]
    subprocess.run(fetch, check=True)
    repository = Path.home() / ".m2" / "repository"
    return repository / group.replace(".", "/") / name / version / f"{name}-{version}.{packaging}"

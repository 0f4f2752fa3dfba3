"""Everything that the documentation names exists: files, links, settings, metrics and log events."""

import json
import re
from pathlib import Path

import pytest

from mechshare.adapters import metrics as adapter_metrics
from mechshare.entrypoints import metrics
from mechshare.entrypoints.operations import exposition
from mechshare.setting_values import PREFIX
from mechshare.settings import ADAPTERS, COPIED, SECRETS, SIDES, Settings
from tests.documents import DOCS, ROOT, anchors, links, pages, prose

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:[\w.-]+/)+(?:[\w.-]+\.\w+)?\Z")
_SETTING = re.compile(rf"{PREFIX}[A-Z][A-Z0-9_]*[A-Z]")
_FOLDERS = ("src", "tests", "bench", "servers", "tools", "examples", "docs", ".ci")
_MODULE = re.compile(
    r"\bmechshare\.(?:testing|domain|ports|services|adapters|entrypoints|bootstrap)(?:\.\w+)*"
)
_EVENT = re.compile(r"_?log\.(?:debug|info|warning|error|exception)\(\s*\"([a-z_]+)\"")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = [target for target in links(page) if not _leads_somewhere(page, target)]
    assert broken == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_of_the_site_link_to_no_file_outside_it(page: Path) -> None:
    """The site does not contain such files: a page names them in backquotes instead."""
    assert [
        target for target in links(page) if not (page.parent / target).resolve().is_relative_to(DOCS)
    ] == []


def _leads_somewhere(page: Path, target: str) -> bool:
    path, _, fragment = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not fragment or file.suffix != ".md" or fragment in anchors(file)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    names = {name for name in _CODE.findall(prose(page)) if _is_path_of_code(name)}
    assert sorted(name for name in names if not _exists(name, page.parent)) == []


def _is_path_of_code(name: str) -> bool:
    """Returns whether `name` is a file of code or a folder of this repository (`comments` is an example)."""
    if not _PATH.match(name) or name.startswith(("/", "http")) or "comments" in name:
        return False
    return name.endswith((".py", ".toml")) or name.startswith(tuple(f"{folder}/" for folder in _FOLDERS))


def _exists(name: str, folder: Path) -> bool:
    """Looks in the root, the page's folder and the package, and for a path that ends so, as `worker/loop.py`."""
    if any((start / name).exists() for start in (ROOT, folder, ROOT / "src/mechshare")):
        return True
    return any((ROOT / "src/mechshare").rglob(name))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_that_a_page_names_exist(page: Path) -> None:
    names = {name for code in _CODE.findall(prose(page)) for name in _MODULE.findall(code)}
    assert sorted(name for name in names if not _is_module_or_member(name)) == []


def _is_module_or_member(name: str) -> bool:
    path = ROOT / "src" / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists() or path.parent.with_suffix(".py").exists()


def test_every_setting_is_in_the_reference_and_has_its_default_there() -> None:
    rows = _default_by_setting()
    fields = {
        name: field
        for name, field in Settings.__dataclass_fields__.items()
        if name not in ("options", "copies")
    }
    assert {name.upper() for name in fields} <= set(rows)
    for name in ("jobs_url", "cache_url", "limits_url", "token_algorithm", "host", "port", "log_format"):
        assert f"`{fields[name].default}`" in rows[name.upper()]
    quotas = ("user_quota_bytes", "moderator_quota_bytes", "admin_quota_bytes")
    for name in ("max_upload_bytes", *quotas, "requests_per_minute"):
        assert rows[name.upper()] == f"`{fields[name].default}`"


def _default_by_setting() -> dict[str, str]:
    table = re.compile(rf"^\| `{PREFIX}(\w+)` \|([^|]*)\|", re.M)
    return {row[1]: row[2].strip() for row in table.finditer((DOCS / "settings.md").read_text())}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_that_a_page_names_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # it also names former settings
    known = {PREFIX + name.upper() for name in Settings.__dataclass_fields__}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    options = (
        *(f"{PREFIX}{adapter.upper()}_" for adapter in ADAPTERS),
        *(f"{PREFIX}COPY_{side.upper()}_{role.upper()}_" for side in SIDES for role in COPIED),
    )
    names = set(_SETTING.findall(page.read_text(encoding="utf-8")))
    assert sorted(name for name in names - known if not name.startswith(options)) == []


def test_every_metric_is_in_the_reference() -> None:
    sources = [Path(module.__file__).read_text() for module in (metrics, adapter_metrics, exposition)]
    names = re.findall(r"(?:Counter|Gauge|Histogram|GaugeMetricFamily)\(\s*\"(\w+)\"", "".join(sources))
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in (DOCS / "metrics.md").read_text()] == []


def test_every_log_event_is_in_the_reference() -> None:
    sources = [path.read_text() for path in (ROOT / "src/mechshare").rglob("*.py")]
    events = {event for source in sources for event in _EVENT.findall(source) if not event.endswith("_")}
    assert len(events) > 10
    assert sorted(event for event in events if f"`{event}`" not in (DOCS / "metrics.md").read_text()) == []


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (DOCS / "index.md").read_text()
    named = {line.strip() for line in contents.splitlines()}
    there = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    assert sorted(there - named) == []


def test_the_readme_shows_a_mechanism_with_every_field() -> None:
    """Take a new response from `mechshare demo` where a field is missing."""
    schemas = json.loads((DOCS / "openapi.json").read_text())["components"]["schemas"]
    shown = json.loads((ROOT / "README.md").read_text().partition("```json\n")[2].partition("```")[0])
    for fields, schema in ((shown, "Mechanism"), (shown["media"], "Media"), (shown["motion"], "Motion")):
        assert set(fields) == set(schemas[schema]["properties"])

"""The settings of an installation. Only `load` reads the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from mechshare.setting_values import (
    MAX_PORT,
    OPERATIONS_HOST,
    PREFIX,
    SettingsError,
    external_hosts,
    integer,
    networks,
    one_of,
    operations_address_in,
    origins,
    parsed_address,
    public_url,
    quota,
    rate,
    secrets_in,
    size,
)
from mechshare.urls import canonical

ADAPTERS = ("database", "blobs", "search", "jobs", "cache", "limits")
"""The roles whose adapters are chosen by URL. MECHSHARE_BLOBS_<OPTION> is an option of the adapter that
MECHSHARE_BLOBS_URL chooses."""
SECRETS = frozenset(("secret", *(f"{role}_url" for role in ADAPTERS)))
"""The settings that may contain a secret. Each can also be read from a file, which MECHSHARE_<SETTING>_FILE names."""
MAX_SECRET_BYTES = 64 * 1024


COPIED = ("database", "blobs", "search")
SIDES = ("from", "to")
"""MECHSHARE_COPY_TO_BLOBS_URL is where `mechshare copy` copies blobs, MECHSHARE_COPY_TO_BLOBS_<OPTION> an option of the
adapter there; MECHSHARE_COPY_FROM_... in the same way, instead of MECHSHARE_BLOBS_URL."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of an installation. Adapters are chosen by URL; all local files are stored under `data`.

    `options` are the adapters' options, by role and by name; the adapters check them. `copies` has what `copy` reads
    from and writes to (`from`, `to`), by the names of the settings that it replaces. The keys in `secret` verify
    tokens and links, and the first of them signs; if empty, one is generated once and stored in `data`. `workers` is
    the number of server processes and `job_slots` the number of jobs that each of them runs at a time (0: separate
    workers run them). `max_upload_bytes` is the limit for one file. `user_quota_bytes`, `moderator_quota_bytes` and
    `admin_quota_bytes` limit what a user of each role may store (0: no limit). `disk_reserve` is the number of bytes
    that files leave free on each disk (None: a twentieth of it, 1 GiB at most). `requests_per_minute`,
    `registrations_per_hour`, `uploads_per_hour`, `searches_per_minute` and `retries_per_hour` are limits for each
    address, the last one also for each user (0: no limit; if the first is 0, none of them applies).
    `unfinished_clips_per_user` limits the clips of a user that are still to be processed,
    `unfinished_uploads_per_user` the uploads that are still to be completed (0: no limit).
    `trusted_proxies` are the addresses and networks (CIDR) whose X-Forwarded-For and Forwarded fields are trusted.
    `public_url` is where clients reach the server, without a trailing slash; empty if that is the address on which it
    listens. `operations_address` is where operators reach the metrics and the details of health; `off`: nowhere.
    `cors_origins` are the origins whose pages may call the API; `*` in a host name matches labels.
    `media_offload` names the header by which a proxy sends files itself: `x-accel` or `x-sendfile` (empty: none does).
    `external_media_hosts` are the hosts whose clips may be linked (see `domain.external_hosts`).
    `registration` says who may create an account: everybody (`open`), everybody after an admin's approval, people with
    an invitation, or nobody (`closed`). `categories` says who may add a category: `authors`, by naming it in a
    mechanism, or only `admins`. `anonymous` says what people see who are not signed in: what is public (`read`)
    or nothing (`none`).
    Levels 3 and 4 of reliability need `level_3_supporters` and `level_4_supporters` other people whose claims support
    the mechanism; if `evidence` is `required`, authors cannot state them otherwise, and if it is `shown`, pages say so.
    Of the main files of a mechanism that others replaced, the latest `former_files` stay. Entries of the audit log are
    deleted after `audit_retention_days`, and files whose processing failed after `failed_originals_days` (0: never).
    `thesaurus_file` has entries that are added to the thesaurus. Errors are written to `log_file` as well as to the
    console.
    """

    data: Path
    database_url: str
    blobs_url: str
    search_url: str
    jobs_url: str = "embedded:"
    cache_url: str = "memory:"
    limits_url: str = "memory:"
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    copies: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    secret: tuple[bytes, ...] = field(default=(), repr=False)
    token_algorithm: str = "HS256"  # noqa: S105  a name, not a secret
    host: str = "127.0.0.1"
    port: int = 8000
    operations_address: str = OPERATIONS_HOST
    workers: int = 1
    job_slots: int = 1
    max_upload_bytes: int = 512 * 1024 * 1024
    user_quota_bytes: int = 256 * 1024 * 1024
    moderator_quota_bytes: int = 4 * 1024 * 1024 * 1024
    admin_quota_bytes: int = 0
    disk_reserve: int | None = None
    requests_per_minute: int = 1200
    registrations_per_hour: int = 20
    uploads_per_hour: int = 600
    searches_per_minute: int = 300
    retries_per_hour: int = 60
    unfinished_clips_per_user: int = 20
    unfinished_uploads_per_user: int = 100
    trusted_proxies: tuple[str, ...] = ()
    public_url: str = ""
    cors_origins: tuple[str, ...] = ()
    media_offload: str = ""
    external_media_hosts: tuple[str, ...] = ("*",)
    level_3_supporters: int = 1
    level_4_supporters: int = 2
    evidence: str = "shown"
    audit_retention_days: int = 365
    failed_originals_days: int = 30
    former_files: int = 10
    thesaurus_file: str = ""
    registration: str = "open"
    anonymous: str = "read"
    categories: str = "authors"
    webhook_private_addresses: str = "refused"
    log_format: str = "console"
    log_file: str = ""


_SETTINGS = frozenset(Settings.__dataclass_fields__) - {"options", "copies"}
_COPY_SETTING = re.compile(f"copy_({'|'.join(SIDES)})_((?:{'|'.join(COPIED)})_.+)")


def load(environ: Mapping[str, str]) -> Settings:
    """Returns the settings in `environ` (names begin with MECHSHARE_); the defaults need no other server.

    An empty value counts as unset. Reads the files that MECHSHARE_<SETTING>_FILE name. Raises SettingsError for an
    invalid value and for an unknown name, because a misspelt name would otherwise be ignored silently.
    """
    values = {
        name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)
    }
    _read_secret_files(values)
    copies = _copies(values)
    options = _options(values)
    _refuse_unknown(values)
    values = {name: value for name, value in values.items() if value}
    # With a doorbell on another server, separate workers run the jobs; otherwise the server processes run them.
    runs_jobs = values.get("jobs_url", Settings.jobs_url).startswith(("embedded:", "memory:"))
    data = Path(values.get("data", "mechshare-data")).absolute()
    return Settings(
        data=data,
        database_url=canonical(values.get("database_url", f"sqlite:///{_in_url(data / 'mechshare.db')}")),
        blobs_url=canonical(values.get("blobs_url", f"file://{_in_url(data / 'blobs')}")),
        search_url=canonical(values.get("search_url", f"sqlite:///{_in_url(data / 'search.db')}")),
        jobs_url=canonical(values.get("jobs_url", Settings.jobs_url)),
        cache_url=canonical(values.get("cache_url", Settings.cache_url)),
        limits_url=canonical(values.get("limits_url", Settings.limits_url)),
        options=options,
        copies=copies,
        secret=secrets_in(values.get("secret", "")),
        token_algorithm=one_of(values, "token_algorithm", ("HS256", "EdDSA")),
        host=values.get("host", Settings.host),
        port=integer(values, "port", Settings.port, minimum=0, maximum=MAX_PORT),
        operations_address=operations_address_in(values),
        workers=integer(values, "workers", os.cpu_count() or 1, minimum=1, maximum=256),
        job_slots=integer(values, "job_slots", int(runs_jobs), minimum=0, maximum=64),
        max_upload_bytes=size(values, "max_upload_bytes", Settings.max_upload_bytes, 1, 2**40),
        user_quota_bytes=quota(values, "user_quota_bytes", Settings.user_quota_bytes),
        moderator_quota_bytes=quota(values, "moderator_quota_bytes", Settings.moderator_quota_bytes),
        admin_quota_bytes=quota(values, "admin_quota_bytes", Settings.admin_quota_bytes),
        disk_reserve=quota(values, "disk_reserve", 0) if "disk_reserve" in values else None,
        requests_per_minute=rate(values, "requests_per_minute", Settings.requests_per_minute),
        registrations_per_hour=rate(values, "registrations_per_hour", Settings.registrations_per_hour),
        uploads_per_hour=rate(values, "uploads_per_hour", Settings.uploads_per_hour),
        searches_per_minute=rate(values, "searches_per_minute", Settings.searches_per_minute),
        retries_per_hour=rate(values, "retries_per_hour", Settings.retries_per_hour),
        unfinished_clips_per_user=rate(
            values, "unfinished_clips_per_user", Settings.unfinished_clips_per_user
        ),
        unfinished_uploads_per_user=rate(
            values, "unfinished_uploads_per_user", Settings.unfinished_uploads_per_user
        ),
        trusted_proxies=networks(values, "trusted_proxies"),
        public_url=public_url(values),
        cors_origins=origins(values),
        media_offload=one_of(values, "media_offload", ("", "x-accel", "x-sendfile")),
        external_media_hosts=external_hosts(values),
        level_3_supporters=integer(
            values, "level_3_supporters", Settings.level_3_supporters, minimum=0, maximum=1_000
        ),
        level_4_supporters=integer(
            values, "level_4_supporters", Settings.level_4_supporters, minimum=0, maximum=1_000
        ),
        evidence=one_of(values, "evidence", ("shown", "required")),
        former_files=integer(values, "former_files", Settings.former_files, minimum=0, maximum=100),
        audit_retention_days=integer(
            values, "audit_retention_days", Settings.audit_retention_days, minimum=0, maximum=36_500
        ),
        failed_originals_days=integer(
            values, "failed_originals_days", Settings.failed_originals_days, minimum=0, maximum=36_500
        ),
        thesaurus_file=values.get("thesaurus_file", ""),
        registration=one_of(values, "registration", ("open", "approval", "invitation", "closed")),
        anonymous=one_of(values, "anonymous", ("read", "none")),
        categories=one_of(values, "categories", ("authors", "admins")),
        webhook_private_addresses=one_of(values, "webhook_private_addresses", ("refused", "allowed")),
        log_format=one_of(values, "log_format", ("console", "json")),
        log_file=values.get("log_file", ""),
    )


def side_of_copy(settings: Settings, side: str) -> Settings:
    """Returns the settings of the installation with those of one of SIDES in place of them."""
    values = dict(settings.copies.get(side, {}))
    options = _options(values)
    _refuse_unknown(values)
    urls = {name: canonical(url) for name, url in values.items()}
    return replace(settings, **urls, options={**settings.options, **options})  # type: ignore[arg-type]


def _copies(values: dict[str, str]) -> dict[str, dict[str, str]]:
    """Removes MECHSHARE_COPY_... from `values` and returns them by side; reads the files that ..._URL_FILE name."""
    copies: dict[str, dict[str, str]] = {}
    for name in [name for name in values if _COPY_SETTING.fullmatch(name)]:
        side, setting = _COPY_SETTING.fullmatch(name).groups()  # type: ignore[union-attr]
        value = values.pop(name)
        if value:
            copies.setdefault(side, {})[setting] = value
    for given in copies.values():
        _read_secret_files(given)
    return copies


def _read_secret_files(values: dict[str, str]) -> None:
    """Replaces the path in each MECHSHARE_<SETTING>_FILE by the setting itself. Raises SettingsError."""
    for name in SECRETS & {name.removesuffix("_file") for name in values if name.endswith("_file")}:
        path = values.pop(f"{name}_file")
        if path:
            values[name] = secret_in_file(PREFIX + name.upper(), path, values.get(name, ""))


def secret_in_file(setting: str, path: str, value: str) -> str:
    """Returns the content of the file at `path`, without line ends at its end, for `setting`.

    Raises SettingsError if the setting has a `value`, too, and if the file is missing, unreadable, empty, or longer
    than MAX_SECRET_BYTES. No message shows the content.
    """
    if value:
        raise SettingsError(f"{setting} and {setting}_FILE are both set; remove one of them.")
    try:
        # A pipe would be empty for the second process that reads it, and could block the first.
        if not Path(path).is_file() and Path(path).exists():
            raise SettingsError(f"{setting}_FILE must name a regular file; '{path}' is not one.")
        with Path(path).open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise SettingsError(f"{setting}_FILE: '{path}' cannot be read: {reason}.") from problem
    if len(content) > MAX_SECRET_BYTES:
        raise SettingsError(f"{setting}_FILE: '{path}' is longer than {MAX_SECRET_BYTES} bytes.")
    if not (secret := os.fsdecode(content.rstrip(b"\r\n"))):
        raise SettingsError(f"{setting}_FILE: '{path}' is empty; write the value of {setting} into it.")
    return secret


def _in_url(path: Path) -> str:
    """Returns `path` as part of a URL, with reserved characters percent-encoded."""
    return re.sub(r"[%?#\t\r\n]", lambda found: quote(found[0]), str(path))


def _options(values: dict[str, str]) -> dict[str, dict[str, str]]:
    """Removes the options of adapters from `values` and returns them."""
    options: dict[str, dict[str, str]] = {}
    for name in values.keys() - _SETTINGS:
        adapter, _, option = name.partition("_")
        if adapter in ADAPTERS and option:
            value = values.pop(name)
            if value:
                options.setdefault(adapter, {})[option] = value
    return options


def _refuse_unknown(values: Mapping[str, str]) -> None:
    known = _SETTINGS
    unknown = sorted(set(values) - known)
    if unknown:
        names = ", ".join(PREFIX + name.upper() for name in unknown)
        choices = ", ".join(PREFIX + name.upper() for name in sorted(known))
        raise SettingsError(f"{names} is not a setting of mechshare. There are: {choices}.")


def operations_address(settings: Settings, port: int) -> tuple[str, int] | None:
    """Returns the host and port of the operations listener of a server at `port`; None if there is to be none.

    Without a port of its own it is the next port.
    """
    if settings.operations_address == "off":
        return None
    host, own = parsed_address(settings.operations_address)
    beside = port + 1 if port < MAX_PORT else port - 1
    return host, beside if own is None else own

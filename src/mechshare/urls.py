"""Parses the URLs of settings. Some contain a password, which no message may show."""

import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_QUOTED_IN_PATHS = "only a path; write '?', '#' and '%' in it as %3F, %23 and %25"
_QUOTED_IN_PASSWORDS = (
    "write '/', '?', '#', '@', ':' and '%' in a password as %2F, %3F, %23, %40, %3A and %25"
)
_REDIS = f"://user:password@host:port/number; {_QUOTED_IN_PASSWORDS}"
_OPENSEARCH = f"://user:password@host:port/alias; {_QUOTED_IN_PASSWORDS}"
FORMS = {
    "sqlite": f"sqlite:///relative or sqlite:////absolute, {_QUOTED_IN_PATHS}",
    "file": f"file:///absolute, {_QUOTED_IN_PATHS}",
    "postgresql": f"postgresql://user:password@host:port/database; {_QUOTED_IN_PASSWORDS}",
    "redis": f"redis{_REDIS}",
    "rediss": f"rediss{_REDIS}",
    "opensearch": f"opensearch{_OPENSEARCH}",
    "opensearch+https": f"opensearch+https{_OPENSEARCH}",
}
"""The required form of a URL, by scheme."""


_ALIASES = {
    "postgres": "postgresql",
    "postgresql+psycopg": "postgresql",
    "postgresql+psycopg2": "postgresql",
    "postgresql+psycopg_async": "postgresql",
    "postgresql+asyncpg": "postgresql",
    "sqlite+aiosqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
}
"""Schemes of other programs (SQLAlchemy, hosting services) for the same databases; mechshare brings the driver."""


def canonical(url: str) -> str:
    """Returns `url` with mechshare's own scheme in place of another name for it."""
    found = re.match("([A-Za-z][A-Za-z0-9+._-]*):", url)
    own = _ALIASES.get(found[1].lower()) if found else None
    return f"{own}{url[found.end() - 1 :]}" if found and own else url


def scheme_of(url: str) -> str:
    """Returns the scheme in lower case; empty if there is none. It avoids urlsplit, which rejects some passwords and
    shows them in its error message."""
    found = re.match("([a-z][a-z0-9+.-]*):", url.lower())
    return found[1] if found else ""


def without_secrets(url: str, problem: Exception) -> str:
    """Returns the message of `problem` without the URL, unless that is only a scheme."""
    if not url.partition(":")[2].strip("/"):
        return str(problem)
    return str(problem).replace(url, f"{scheme_of(url)}:...")


def path_of(url: str) -> Path:
    """Returns the path in a URL: `file:///absolute`, `sqlite:///relative`, `sqlite:////absolute` (as in SQLAlchemy).

    Raises ValueError if the URL has any other part: files would be stored in an unexpected place.
    """
    # After two slashes, anything but a third slash is a host.
    found = re.fullmatch("[^:]*:(?://(?=/)|(?!//))([^?#]+)", url)
    if found is None:
        raise ValueError("it is more than a path")
    return Path(url2pathname(found[1].removeprefix("/") if scheme_of(url) == "sqlite" else found[1]))


def server_url(url: str) -> str:
    """Returns `url` if it names a host and a valid port. Raises ValueError otherwise."""
    parts = urlsplit(url)
    # In a password that is not quoted, urlsplit may take digits for a port and the rest for a path.
    if not parts.hostname or parts.port == 0 or "@" in parts.path + parts.query + parts.fragment:
        raise ValueError("it names no host")
    return url

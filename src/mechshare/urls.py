"""What the URLs of settings say. Some hold a password, which no message may show."""

import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_QUOTED_IN_PATHS = "a path alone; write '?', '#' and '%' in it as %3F, %23 and %25"
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
"""What a URL must be, by its scheme."""


def scheme_of(url: str) -> str:
    """In small letters, empty where there is none. urlsplit refuses some passwords, and shows them when it does."""
    found = re.match("([a-z][a-z0-9+.-]*):", url.lower())
    return found[1] if found else ""


def without_secrets(url: str, problem: Exception) -> str:
    """What `problem` says, but not the URL."""
    return str(problem).replace(url, f"{scheme_of(url)}:...")


def path_of(url: str) -> Path:
    """The path in a URL: `file:///absolute`, `sqlite:///relative`, `sqlite:////absolute` (as SQLAlchemy has it).

    Raises ValueError where anything else is in it: files would be kept where nobody looks for them.
    """
    # What two slashes are followed by, unless it is a third, is a host.
    found = re.fullmatch("[^:]*:(?://(?=/)|(?!//))([^?#]+)", url)
    if found is None:
        raise ValueError("it is not a path alone")
    return Path(url2pathname(found[1].removeprefix("/") if scheme_of(url) == "sqlite" else found[1]))


def server_url(url: str) -> str:
    """`url` itself, if it names a host, and a port that there can be. Raises ValueError."""
    parts = urlsplit(url)
    # Of a password that is not quoted, digits pass for a port, and what follows them for a path.
    if not parts.hostname or parts.port == 0 or "@" in parts.path + parts.query + parts.fragment:
        raise ValueError("it names no host")
    return url

"""The languages of the pages, and their texts."""

from datetime import datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any

from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from litestar import Request
from litestar.datastructures import Cookie

from mechshare.domain.errors import LANGUAGES
from mechshare.entrypoints.http.protocol.errors import preferred_language
from mechshare.entrypoints.web.paths import base_path

LANGUAGE_NAMES = {"en": "English", "ja": "日本語"}
LANGUAGE_COOKIE = "mechshare_language"
_YEAR = 365 * 24 * 3600
_MOMENTS = {"en": "MMM d, y, HH:mm"}
"""Formats in place of the short one: in 3/4/26, readers of English take either number for the month."""
_UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


def language_of(request: Request[Any, Any, Any]) -> str:
    """Returns the language that the person chose on a page, else the preferred one of the browser."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred_language(request.headers.get("accept-language", ""))


def language_cookie(language: str, public_url: str) -> Cookie:
    path = base_path(public_url) or "/"
    return Cookie(key=LANGUAGE_COOKIE, value=language, path=path, max_age=_YEAR, samesite="lax")


@cache
def translations(language: str) -> NullTranslations:
    """Returns the texts of `language`; the texts in the code are the English ones."""
    if language == "en":
        return NullTranslations()
    catalogue = files("mechshare.entrypoints.web") / "locale" / language / "LC_MESSAGES" / "messages.po"
    compiled = BytesIO()
    with catalogue.open("rb") as texts:
        write_mo(compiled, read_po(texts, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def day(at: datetime, language: str) -> str:
    return format_date(at, format="medium", locale=language)


def moment(at: datetime, language: str) -> str:
    """Returns date and time in UTC."""
    return f"{format_datetime(at, format=_MOMENTS.get(language, 'short'), locale=language)} UTC"


def number(value: float, language: str) -> str:
    return str(format_decimal(value, locale=language))


def byte_size(size: int, language: str) -> str:
    """Returns a size with a binary unit (IEC 80000-13), with one decimal place at most."""
    for factor, unit in _UNITS:
        if size >= factor:
            return f"{format_decimal(size / factor, format='#,##0.#', locale=language)} {unit}"
    return f"{size} B"

"""Renders pages: templates, the texts of the person's language, and the headers that every page has."""

import json
import secrets
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from markupsafe import Markup

from mechshare.domain.comments import Mention
from mechshare.domain.errors import LANGUAGES, DomainException, InvalidField, UserNotFound
from mechshare.domain.licenses import LICENSES
from mechshare.domain.reliability import ReliabilityLevel
from mechshare.domain.users import Permission, User
from mechshare.entrypoints.http.protocol.auth import application_of, viewer_of
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.site_address import site_url
from mechshare.entrypoints.http.protocol.static_files import StaticFolder
from mechshare.entrypoints.http.representations.markdown import linked, rendered
from mechshare.entrypoints.web import languages
from mechshare.entrypoints.web.languages import LANGUAGE_NAMES, language_of, translations
from mechshare.entrypoints.web.paths import base_path
from mechshare.entrypoints.web.script_texts import SCRIPT_TEXTS

Req = Request[Any, Any, Any]
STATIC = StaticFolder(
    "mechshare.entrypoints.web",
    "static",
    {
        "app.css": "text/css",
        "app.js": "text/javascript",
        "watch.js": "text/javascript",
        "model.js": "text/javascript",
        "compare.js": "text/javascript",
        "upload.js": "text/javascript",
        "manage.js": "text/javascript",
        "favicon.svg": "image/svg+xml",
    },
)
_CACHE = "private, no-cache"
_VARY = "Cookie, Accept-Language, Accept-Encoding"


async def page(
    request: Req, template: str, *, status: int = 200, is_embeddable: bool = False, **content: Any
) -> Response[str]:
    """Returns the page `template`, in the language of the person and with the links of their role."""
    account = await _account(request)
    unread = await _unread(request) if account else 0
    return render(
        request, template, account, status=status, is_embeddable=is_embeddable, unread=unread, **content
    )


def hide_referrer(response: Response[str], *, has_forms: bool) -> Response[str]:
    """Returns a page that can load a clip of another host, which then learns nothing of the page.

    A page with forms keeps `same-origin`, which sends other hosts no Referer either: with `no-referrer`, browsers would
    send `Origin: null` with its forms, and the site would refuse them.
    """
    if not has_forms:
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


def render(
    request: Req,
    template: str,
    account: User | None,
    *,
    status: int = 200,
    is_embeddable: bool = False,
    unread: int = 0,
    **content: Any,
) -> Response[str]:
    """Returns the page for a person with `account` and `unread` notifications; None for a person who is signed out."""
    language, nonce = language_of(request), secrets.token_urlsafe(16)
    public_url = application_of(request).settings.public_url
    text = (
        _environment(language, base_path(public_url))
        .get_template(template)
        .render(
            account=account,
            unread=unread,
            nonce=nonce,
            site_url=site_url(request),
            path=request.scope["path"],
            address=address_of(request),
            status=status,
            **content,
        )
    )
    headers = {
        "Cache-Control": _CACHE,
        "Vary": _VARY,
        "Content-Language": language,
        "Content-Security-Policy": _policy(nonce, is_embeddable),
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    }
    if not is_embeddable:
        headers["X-Frame-Options"] = "DENY"
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=headers)


async def form_page(request: Req, template: str, error: DomainException, **content: Any) -> Response[str]:
    """Returns the form `template` again, with the message of `error` at its field or above the form."""
    return await page(
        request, template, status=status_of(error), problem=problem_of(request, error), **content
    )


def problem_of(request: Req, error: DomainException) -> dict[str, str]:
    """Returns the message of `error` in the person's language, and the field that it is about (or "")."""
    language = language_of(request)
    field = error.field if isinstance(error, InvalidField) else str(error.facts.get("field", ""))
    message = error.rule[language] if isinstance(error, InvalidField) else error.message_in(language)
    return {"field": field, "message": message}


async def _account(request: Req) -> User | None:
    viewer = await viewer_of(request)
    if viewer is None:
        return None
    try:
        return await application_of(request).users.get_user(viewer.id)
    except UserNotFound:
        return None  # deleted since the session was checked


async def _unread(request: Req) -> int:
    viewer = await viewer_of(request)
    return await application_of(request).notifications.count_unread(viewer) if viewer else 0


def address_of(request: Req) -> str:
    """Returns path and query of the request."""
    query = request.scope["query_string"].decode("latin-1")
    path: str = request.scope["path"]
    return f"{path}?{query}" if query else path


def _policy(nonce: str, is_embeddable: bool) -> str:
    """Returns the Content-Security-Policy: scripts by nonce only, and nothing that evaluates text (CSP 3)."""
    ancestors = "*" if is_embeddable else "'none'"
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; "
        "img-src 'self' https: data: blob:; media-src 'self' https: blob:; connect-src 'self' blob: data:; "
        "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
        f"frame-ancestors {ancestors}"
    )


@cache
def _environment(language: str, base: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("mechshare.entrypoints.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    texts = translations(language)
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        language=language,
        reliability_levels=tuple(ReliabilityLevel),
        licenses=LICENSES,
        languages={name: LANGUAGE_NAMES[name] for name in LANGUAGES},
        base=base,
        url=partial(_url, base),
        static=partial(_static, base),
        script_texts=_json({key: texts.gettext(text) for key, text in SCRIPT_TEXTS.items()}),
        Permission=Permission,
        problem=None,
    )
    environment.filters.update(
        day=partial(_in, languages.day, language),
        moment=partial(_in, languages.moment, language),
        number=partial(_in, languages.number, language),
        byte_size=partial(_in, languages.byte_size, language),
        units=_units,
        json_data=_json,
        markdown=partial(_markdown, base),
        linked=_linked,
    )
    return environment


def _markdown(base: str, text: str, mentions: tuple[Mention, ...] = ()) -> Markup:
    return Markup(rendered(text, mentions, base))  # noqa: S704  rendered HTML is safe


def _linked(text: str) -> Markup:
    return Markup(linked(text))  # noqa: S704  rendered HTML is safe


def _units(characters: int) -> int:
    """Returns the most units of UTF-16 that a text of so many characters has: browsers count and cut by these, so that
    emoji and rare kanji take two each, while the server counts characters."""
    return 2 * characters


def _in(function: Any, language: str, value: Any) -> str:
    return str(function(value, language))


def _url(base: str, path: str) -> str:
    return base + path


def _static(base: str, name: str) -> str:
    return f"{base}/static/{STATIC.immutable_name(name)}"


def _json(value: Any) -> Markup:
    """Returns `value` as JSON that cannot end the script element that contains it."""
    text = json.dumps(value, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026").replace("\u2028", "\\u2028"))  # noqa: S704

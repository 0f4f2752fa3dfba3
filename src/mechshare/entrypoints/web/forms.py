"""Reads the forms of pages."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from litestar import Request, Response
from litestar.params import QueryParameter
from litestar.response import Redirect

from mechshare.domain.errors import MalformedRequest, UnsupportedContentType
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.request_body import MAX_BODY_BYTES, short_body
from mechshare.entrypoints.web.paths import local_path

_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 200

Saved = Annotated[str, QueryParameter(name="saved", max_length=20)]
"""Which form has succeeded. Pages choose their sentence by it and never show it."""


class FormFields(dict[str, list[str]]):
    """The values of each field, in order."""

    def text(self, name: str) -> str:
        """Returns the first value of the field; empty if the form does not have it."""
        values = self.get(name)
        return values[0] if values else ""

    def version(self) -> int:
        """Returns the version of the resource that the form was filled from. Raises MalformedRequest."""
        text = self.text("version")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise MalformedRequest(problem="the field version is missing. Reload the page.")
        return int(text)


async def form_fields(request: Request[Any, Any, Any], max_bytes: int = MAX_BODY_BYTES) -> FormFields:
    """Returns the submitted form. Raises BodyTooLarge, MalformedRequest, UnsupportedContentType."""
    content_type, _ = request.content_type
    body = await short_body(request, max_bytes)
    if body and content_type != _FORM:
        raise UnsupportedContentType(content_type=content_type, accepted=_FORM)
    fields = FormFields()
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as problem:
        raise MalformedRequest(problem=f"the form cannot be read ({problem}).") from problem
    for name, value in pairs:
        # Browsers send line ends of text areas as CR LF.
        fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return fields


def next_page(fields: FormFields, path: str) -> str:
    """Returns the page of this site that the form names in its field `next`, else `path`."""
    return local_path(fields.text("next")) if fields.text("next") else path


def page_path(path: str, cursor: str | None) -> str:
    """Returns the path of a page of a list, for the field `next` of the forms on it."""
    return f"{path}?{urlencode({'cursor': cursor})}" if cursor else path


def see_other(path: str) -> Response[Any]:
    """Returns the redirect after a form: the browser then reads `path`, and a reload repeats nothing."""
    # PublicUrlMiddleware completes the address.
    return Redirect(path, status_code=303, headers={"Cache-Control": "no-store"})


def public_url_of(request: Request[Any, Any, Any]) -> str:
    return application_of(request).settings.public_url


def without_secrets(fields: Mapping[str, list[str]]) -> dict[str, str]:
    """Returns the first value of each field, to fill a form again; passwords are left out."""
    return {name: values[0] for name, values in fields.items() if "password" not in name}

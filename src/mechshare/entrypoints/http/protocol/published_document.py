"""Completes the OpenAPI document with the facts that all operations share."""

from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from mechshare.domain import errors
from mechshare.domain.blobs import CONTENT_TYPES
from mechshare.domain.errors import DomainException
from mechshare.domain.file_types import ATTACHMENT_TYPES
from mechshare.entrypoints.http.protocol.entity_tags import etag_of, is_not_modified
from mechshare.entrypoints.http.protocol.errors import (
    BodyTimedOut,
    ErrorBody,
    HeadersTooLarge,
    InternalError,
    RangeNotSatisfiable,
    UriTooLong,
    error_codes,
    status_of_kind,
)
from mechshare.entrypoints.http.protocol.openapi import LOCATION, BodySchema, PlainSchema, schema_of
from mechshare.entrypoints.http.protocol.page_headers import secure_page
from mechshare.entrypoints.http.protocol.responses import PUBLIC
from mechshare.entrypoints.http.protocol.schema_names import publish_schemas, reference_to

_REQUEST_HEADERS = {
    "If-Match": "The ETag of the version to change; * for any version.",
    "If-None-Match": "ETags of the client's copies; if one is current, the response is 304.",
    "Idempotency-Key": "1 to 200 visible ASCII characters. A repeated request gets the first response again.",
    "Range": "One range of bytes, such as bytes=0-1023.",
    "Tus-Resumable": "The version of tus: 1.0.0.",
    "Upload-Length": "The size of the file in bytes.",
    "Upload-Metadata": "Names with values in Base64, with commas between them, such as `filename Y2xpcC5naWY=`.",
    "Upload-Offset": "The number of bytes that the server has; the body continues there.",
    "Upload-Checksum": "sha256, sha1, sha512 or md5, a space, and the digest of the body in Base64.",
    "If-Range": "The ETag of the file that the range belongs to; if the file has another ETag, the whole file is sent.",
}
_REQUIRED_HEADERS = ("If-Match", "Upload-Length", "Upload-Offset")
_CONDITIONAL = {"304": ("If-None-Match",), "206": ("Range", "If-Range")}
_TEXT = Schema(type=OpenAPIType.STRING)
_FILE = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
_RESPONSE_HEADERS = {
    "ETag": "The version of the response, for If-Match and If-None-Match.",
    "Link": 'The page after this one (rel="next", RFC 8288); absent on the last.',
    "Location": "Where it is.",
    "Content-Range": "The bytes that the body has, and the size of the file: bytes 0-1023/88476.",
    "Upload-Offset": "The number of bytes that the server has.",
    "Upload-Expires": "When the server deletes the upload if nothing more arrives.",
    "Retry-After": "Seconds after which the request may be sent again.",
    "RateLimit": "Remaining requests and seconds until the limit resets; absent where requests are not limited.",
    "RateLimit-Policy": "Requests allowed and in how many seconds; absent where requests are not limited.",
}
_ERROR_EXAMPLE = {
    "status": "error",
    "message": "title: must have 1 to 200 characters.",
    "code": "INVALID_FIELD",
    "request_id": "01a2284b-82aa-7135-89b5-8a4e03c93672",
    "details": [{"field": "title", "message": "must have 1 to 200 characters."}],
}
_SENDS_BODY = ("POST", "PATCH", "PUT")
_ALWAYS = {UriTooLong, errors.TooMany, HeadersTooLarge, InternalError, errors.Unavailable}
_RETRIED = (errors.TooMany, errors.Unavailable, errors.OutOfSpace)


def document_router() -> Router:
    """Returns the router of /schema, which completes the document at the first request.

    Test suites start many applications without reading the document and need not wait for it.
    """
    return Router(
        "/schema",
        route_handlers=[],
        include_in_schema=False,
        before_request=_publish_at_first,
        after_request=_revalidated,
    )


class _RevalidatedResponse(Response[Any]):
    """A response with an ETag, which becomes a 304 if If-None-Match of the request matches it."""

    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **options: Any) -> Any:
        if is_not_modified(request.headers, self.headers["ETag"]):
            self.content, self.status_code = b"", 304
        return super().to_asgi_response(app, request, **options)


async def _revalidated(response: Response[Any]) -> Response[Any]:
    """Returns the document, or the page that shows it, with an ETag and the headers of pages."""
    await secure_page(response)
    if response.status_code not in (None, 200) or not isinstance(response.content, bytes):
        return response
    headers = {**response.headers, "ETag": etag_of(response.content), "Cache-Control": PUBLIC}
    return _RevalidatedResponse(response.content, headers=headers, media_type=response.media_type)


async def _publish_at_first(request: Request[Any, Any, Any]) -> None:
    publish_document(request.app)


def publish_document(app: Litestar) -> None:
    """Completes the document: error responses, header fields, security, and published names of schemas.

    Idempotent for each application. Raises LookupError for a schema without a published name.
    """
    if getattr(app.state, "has_published_document", False):
        return
    app.state.has_published_document = True
    document = app.openapi_schema
    schemas: dict[str, Any] = dict(document.components.schemas or {})
    schemas[ErrorBody.__name__] = _error_schema()
    for operation, handler in _operations(app):
        _document(operation, handler)
        _name_body(operation, schemas)
    document.components.schemas = publish_schemas(schemas, document.paths or {})
    document.components.headers = {
        name: OpenAPIHeader(description=description, schema=_TEXT)
        for name, description in _RESPONSE_HEADERS.items()
    }


def _operations(app: Litestar) -> list[tuple[Operation, HTTPRouteHandler]]:
    found = []
    for route in app.routes:
        item = (app.openapi_schema.paths or {}).get(route.path_format or "/")
        for handler in getattr(route, "route_handlers", ()):
            for method in handler.http_methods if item and handler.resolve_include_in_schema() else ():
                operation: Operation | None = getattr(item, method.lower(), None)
                if operation is not None:
                    found.append((operation, handler))
    return found


def _error_schema() -> PlainSchema:
    schema = schema_of(ErrorBody)
    schema.plain["properties"]["code"]["enum"] = error_codes()
    schema.plain["examples"] = [_ERROR_EXAMPLE]
    return schema


def _name_body(operation: Operation, schemas: dict[str, Any]) -> None:
    """Moves the schema of the request body to the components, under the name of its Struct."""
    content = getattr(operation.request_body, "content", None) or {}
    for media in content.values():
        if isinstance(media.schema, BodySchema):
            schemas[media.schema.name] = media.schema
            media.schema = reference_to(media.schema.name)


def _document(operation: Operation, handler: HTTPRouteHandler) -> None:
    responses: dict[str, Any] = dict(operation.responses or {})
    responses.pop("400", None)
    operation.security = _security(handler)
    _document_headers(operation, handler, responses)
    _document_success(operation, responses, handler)
    for family in _refusals(operation, handler):
        responses[str(status_of_kind(family))] = _refusal(family)
    for response in responses.values():
        response.headers = {**(response.headers or {}), **_headers("RateLimit", "RateLimit-Policy")}
    operation.responses = dict(sorted(responses.items()))


def _security(handler: HTTPRouteHandler) -> list[dict[str, list[str]]]:
    if handler.resolve_guards():
        return [{"token": []}]
    return [{}, {"token": []}] if handler.opt.get("token") == "optional" else []


def _document_headers(operation: Operation, handler: HTTPRouteHandler, responses: dict[str, Any]) -> None:
    names = [name for status, names in _CONDITIONAL.items() if status in responses for name in names]
    names += handler.opt.get("accepted_headers", ())
    operation.parameters = [*(operation.parameters or ()), *(_request_header(name) for name in names)] or None


def _document_success(operation: Operation, responses: dict[str, Any], handler: HTTPRouteHandler) -> None:
    """Describes the successful responses."""
    always = handler.opt.get("sent_headers", ())
    if "204" in responses:
        responses["204"] = OpenAPIResponse("Done; there is no content")
    if "206" in responses:
        for status, description in (("200", "The file"), ("206", "A part of the file (Range)")):
            responses[status] = OpenAPIResponse(description, content=_file_content())
    parameters = _parameter_names(operation)
    for status, response in responses.items():
        names = list(always)
        if status not in ("204", "302", "308") and not always and not _is_stream(response):
            names.append("ETag")
        if status == "200" and "cursor" in parameters:
            names.append("Link")
        if status == "206":
            names.append("Content-Range")
        if status in ("302", "308") or LOCATION in handler.opt:
            names.append("Location")
        response.headers = _headers(*names)


def _file_content() -> dict[str, OpenAPIMediaType]:
    """Returns every content type of served files. Generated clients ignore a wildcard and a type without schema."""
    types = sorted({*CONTENT_TYPES.values(), *ATTACHMENT_TYPES})
    return {one: OpenAPIMediaType(schema=_FILE) for one in types}


def _is_stream(response: OpenAPIResponse) -> bool:
    return "text/event-stream" in (response.content or {})


def _refusals(operation: Operation, handler: HTTPRouteHandler) -> set[type[DomainException]]:
    """Returns the families of errors that the operation can raise."""
    families = {*_ALWAYS, *handler.opt.get("refuses", ())}
    for name in _parameter_names(operation):
        families |= _REFUSED_PARAMETERS.get(name, {errors.Malformed})
    for parameter in operation.parameters or ():
        if isinstance(parameter, Parameter) and parameter.param_in == "path":
            families.add(errors.NotFound)
    if handler.http_methods & set(_SENDS_BODY):
        families |= {errors.Malformed, errors.TooLarge, errors.UnsupportedMedia, BodyTimedOut}
    if handler.http_methods != {"GET"}:
        families.add(errors.OutOfSpace)
    return families | _refused_callers(handler)


_REFUSED_PARAMETERS: dict[str, set[type[DomainException]]] = {
    "If-Match": {errors.Malformed, errors.Stale, errors.PreconditionRequired},
    "If-None-Match": set(),
    "If-Range": set(),
    "Idempotency-Key": {errors.Malformed, errors.Conflict},
    "Range": {RangeNotSatisfiable},
}


def _refused_callers(handler: HTTPRouteHandler) -> set[type[DomainException]]:
    guards = handler.resolve_guards()
    families: set[type[DomainException]] = set()
    if guards or handler.opt.get("token") == "optional":
        families.add(errors.Unauthenticated)
    if any(getattr(guard, "permissions", ()) for guard in guards):
        families.add(errors.Forbidden)
    return families


def _refusal(family: type[DomainException]) -> OpenAPIResponse:
    described = (family.__doc__ or "").strip().partition("\n")[0] or family.messages["en"]
    error = OpenAPIMediaType(schema=reference_to(ErrorBody.__name__))
    description = described.split(". ")[0].rstrip(".") + "."
    response = OpenAPIResponse(description, content={"application/json": error})
    response.headers = _headers("Retry-After") if issubclass(family, _RETRIED) else {}
    return response


def _headers(*names: str) -> dict[str, Any]:
    return {name: Reference(ref=f"#/components/headers/{name}") for name in names}


def _parameter_names(operation: Operation) -> list[str]:
    return [one.name for one in operation.parameters or () if isinstance(one, Parameter)]


def _request_header(name: str) -> Parameter:
    return Parameter(
        name=name,
        param_in="header",
        schema=_TEXT,
        description=_REQUEST_HEADERS[name],
        required=name in _REQUIRED_HEADERS,
    )

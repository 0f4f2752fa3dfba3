"""What the OpenAPI document says beyond what the framework finds out itself."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
    Tag,
)
from litestar.openapi.spec.enums import OpenAPIType

from mechshare.entrypoints.http.protocol.errors import ErrorBody

OPTIONAL_TOKEN = {"token": "optional"}
"""The `opt` of an open route that tells more to those who may see more."""
HEARS_VERSION = {"hears": ("If-Match",)}
"""The `opt` of a route that changes a certain version."""
HEARS_KEY = {"hears": ("Idempotency-Key",)}
"""The `opt` of a route that can be called again to the same effect."""
ANY_FILE = "*/*"
_HEADERS = {
    "If-Match": "The ETag of what is to be changed, as it was read; * for any. Without it: 428.",
    "If-None-Match": "ETags that are held already; one that still holds is answered with 304.",
    "Idempotency-Key": "1 to 200 visible ASCII characters. The same request again gets the first answer again.",
    "Range": "One range of bytes, such as bytes=0-1023.",
    "If-Range": "The ETag of the file that the range belongs to; of another file, the whole is sent.",
}
_HEARD_WITH = {"304": ("If-None-Match",), "206": ("Range", "If-Range")}
NOT_MODIFIED = {
    304: ResponseSpec(
        None, generate_examples=False, description="You hold this very answer already (If-None-Match)"
    )
}
TAGS = {
    "auth": "Joining, signing in and staying signed in",
    "users": "Accounts and profiles",
    "mechanisms": "Clips of physical motion",
    "processing": "From a clip as it was sent to one that anyone can watch",
    "media": "The files themselves",
    "categories": "Kinematic families",
    "search": "Finding mechanisms, in Japanese and English",
    "operations": "For those who run an installation",
}
ASSETS = "/schema/assets"
"""Where the page for trying the API finds its program: on this server, so that it works without the internet."""


def openapi_config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="mechshare",
        version="1",
        summary="Share physical mechanisms as short videos",
        description="Each error is told as `status`, `message`, `code`, `request_id`, and `details` for bad input.",
        tags=[Tag(name=name, description=description) for name, description in TAGS.items()],
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        path="/schema",
        use_handler_docstrings=True,
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                favicon="<link rel='icon' href='data:,'>",
                js_url=f"{ASSETS}/swagger-ui-bundle.js",
                css_url=f"{ASSETS}/swagger-ui.css",
                standalone_preset_js_url=f"{ASSETS}/swagger-ui-standalone-preset.js",
            ),
            JsonRenderPlugin(),
        ],
    )


def body_of(
    shape: type[Any], *, example: dict[str, Any] | None = None, required: bool = True
) -> type[Operation]:
    """An operation whose JSON body is `shape`; the handler decodes it itself, so that errors are told our way."""
    return _with_bodies({"application/json": _schema_of(shape, example)}, required)


def form_of(shape: type[Any], elsewhere: type[Any], *, example: dict[str, Any]) -> type[Operation]:
    """An operation that takes a form, `shape` and a `file`, or `elsewhere` as JSON."""
    form = _schema_of(shape, None)
    form["properties"] = {**form["properties"], "file": {"type": "string", "format": "binary"}}
    form["required"] = [*form["required"], "file"]
    return _with_bodies(
        {"multipart/form-data": form, "application/json": _schema_of(elsewhere, example)}, True
    )


@dataclass
class _PlainSchema(Schema):
    """A JSON Schema that stands in the document as it is."""

    plain: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        return self.plain


def _with_bodies(schemas: dict[str, dict[str, Any]], required: bool) -> type[Operation]:
    @dataclass
    class OperationWithBody(Operation):
        def __post_init__(self) -> None:
            content = {
                media_type: OpenAPIMediaType(schema=_PlainSchema(plain=schema))
                for media_type, schema in schemas.items()
            }
            self.request_body = RequestBody(required=required, content=content)

    return OperationWithBody


def _schema_of(shape: type[Any], example: dict[str, Any] | None) -> dict[str, Any]:
    (schema,), components = msgspec.json.schema_components([shape], ref_template="{name}")
    plain: dict[str, Any] = _inlined(schema, components)
    plain.pop("title", None)
    return plain if example is None else {**plain, "examples": [example]}


def _inlined(part: Any, components: dict[str, Any]) -> Any:
    """`part` with every reference replaced by what it names; bodies are small and refer to nothing twice."""
    if isinstance(part, list):
        return [_inlined(item, components) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(components[part["$ref"]], components)
    return {name: _inlined(item, components) for name, item in part.items()}


def document_refusals(app: Litestar) -> None:
    """Adds to the document what holds for every route: how refusals are told, where a token is asked for, and which
    header fields are heard."""
    document = app.openapi_schema
    described = _schema_of(ErrorBody, None)
    document.components.schemas = {
        **(document.components.schemas or {}),
        "ErrorBody": _PlainSchema(plain=described),
    }
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            item = (document.paths or {}).get(route.path_format or "/")
            for method in handler.http_methods if item else ():
                operation: Operation | None = getattr(item, method.lower(), None)
                if operation is not None:
                    _document(operation, handler)


def _document(operation: Operation, handler: HTTPRouteHandler) -> None:
    responses = dict(operation.responses or {})
    if "204" in responses:
        responses["204"] = OpenAPIResponse("Done; there is nothing to tell")
    if "206" in responses:
        for status, description in (("200", "The file"), ("206", "A part of the file (Range)")):
            # Bytes have no JSON schema (OpenAPI 3.1, 4.8.14.3).
            responses[status] = OpenAPIResponse(description, content={ANY_FILE: OpenAPIMediaType()})
    refusal = OpenAPIMediaType(schema=Reference(ref="#/components/schemas/ErrorBody"))
    for status, description in (("4XX", "Refused"), ("5XX", "Not possible at present")):
        responses[status] = OpenAPIResponse(description, content={"application/json": refusal})
    responses.pop("400", None)
    operation.responses = responses
    heard = [name for status, names in _HEARD_WITH.items() if status in responses for name in names]
    heard += handler.opt.get("hears", ())
    operation.parameters = [*(operation.parameters or ()), *(_header(name) for name in heard)] or None
    if handler.resolve_guards():
        operation.security = [{"token": []}]
    elif handler.opt.get("token") == "optional":
        operation.security = [{}, {"token": []}]


def _header(name: str) -> Parameter:
    schema = Schema(type=OpenAPIType.STRING)
    return Parameter(name=name, param_in="header", schema=schema, description=_HEADERS[name])

"""What the OpenAPI document says beyond what the framework finds out itself."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
    Tag,
)

from mechshare.entrypoints.http.errors import ErrorBody

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


_VIEWED = ("mechanisms", "processing", "media", "search")
"""Tags of routes that take a token where there is one, and do without."""


def document_refusals(app: Litestar) -> None:
    """Adds to the document what holds for every route: how refusals are told, and where a token is asked for."""
    document = app.openapi_schema
    described = _schema_of(ErrorBody, None)
    document.components.schemas = {
        **(document.components.schemas or {}),
        "ErrorBody": _PlainSchema(plain=described),
    }
    refusal = OpenAPIMediaType(schema=Reference(ref="#/components/schemas/ErrorBody"))
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            item = (document.paths or {}).get(route.path_format or "/")
            for method in handler.http_methods if item else ():
                operation: Operation | None = getattr(item, method.lower(), None)
                if operation is not None:
                    _document(operation, bool(handler.resolve_guards()), refusal)


def _document(operation: Operation, is_guarded: bool, refusal: OpenAPIMediaType) -> None:
    content = {"application/json": refusal}
    responses = dict(operation.responses or {})
    responses["4XX"] = OpenAPIResponse(description="Refused", content=dict(content))
    responses["5XX"] = OpenAPIResponse(description="Not possible at present", content=dict(content))
    responses.pop("400", None)
    operation.responses = responses
    if is_guarded:
        operation.security = [{"token": []}]
    elif set(operation.tags or ()) & set(_VIEWED):
        operation.security = [{}, {"token": []}]

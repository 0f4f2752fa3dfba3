"""Facts that routes add to the OpenAPI document beyond those that the framework infers."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    Operation,
    RequestBody,
    Schema,
    SecurityScheme,
    Server,
    Tag,
)

from mechshare.domain.errors import DomainException
from mechshare.entrypoints.http.protocol.static_files import StaticFolder

OPTIONAL_TOKEN = {"token": "optional"}
"""The `opt` of a route that works without a token and returns more to a caller with one."""
ACCEPTS_IF_MATCH = {"accepted_headers": ("If-Match",)}
"""The `opt` of a route that requires If-Match."""
ACCEPTS_IDEMPOTENCY_KEY = {"accepted_headers": ("Idempotency-Key",)}
"""The `opt` of a route that accepts Idempotency-Key."""
LOCATION = "location"
"""The key of the `opt` of a route whose response has Location: the path below which the new resource is."""
NOT_MODIFIED = {
    304: ResponseSpec(None, generate_examples=False, description="Not modified (If-None-Match matched)")
}
ASSETS = "/schema/assets"
"""The path of the scripts of Swagger UI: this server serves them, so that the page works without the internet."""
SWAGGER_UI = StaticFolder(
    "swagger_ui",
    "static",
    {
        "swagger-ui-bundle.js": "text/javascript",
        "swagger-ui-standalone-preset.js": "text/javascript",
        "swagger-ui.css": "text/css",
    },
)


def openapi_config(tags: list[Tag], router: Router, public_url: str) -> OpenAPIConfig:
    """Returns the configuration of the OpenAPI document, with `tags` in this order.

    `router` serves the document and Swagger UI; clients reach the server at `public_url`.
    """
    assets = f"{public_url}{ASSETS}/"
    return OpenAPIConfig(
        title="mechshare",
        version="1",
        summary="Share how things move and why things happen, as clips, pictures and documents",
        description="Every error has one shape: `status`, `message`, `code`, `request_id`; `details` for bad input.",
        tags=tags,
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        servers=[Server(url=public_url or "/")],
        openapi_router=router,
        use_handler_docstrings=True,
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                favicon=f"<link rel='icon' href='{public_url}/static/favicon.svg'>",
                js_url=assets + SWAGGER_UI.immutable_name("swagger-ui-bundle.js"),
                css_url=assets + SWAGGER_UI.immutable_name("swagger-ui.css"),
                standalone_preset_js_url=assets
                + SWAGGER_UI.immutable_name("swagger-ui-standalone-preset.js"),
            ),
            JsonRenderPlugin(),
        ],
    )


def refuses(*families: type[DomainException]) -> dict[str, Any]:
    """Returns the `opt` of a route that raises errors of these families; others follow from its method, parameters and
    guards."""
    return {"refuses": families}


def documented(**facts: Any) -> msgspec.Meta:
    """Adds JSON Schema keywords to a field for documentation only; the domain enforces the rule."""
    return msgspec.Meta(extra_json_schema=facts)


def body_of(
    shape: type[Any], *, example: dict[str, Any] | None = None, required: bool = True
) -> type[Operation]:
    """Returns an operation whose JSON body is `shape`. The handler decodes the body, so that errors are ErrorBody."""
    return _with_body(
        "application/json", BodySchema(name=shape.__name__, plain=_schema(shape, example)), required
    )


def form_of(shape: type[Any]) -> type[Operation]:
    """Returns an operation that takes a multipart form: the fields of `shape` and a `file`."""
    form = _schema(shape, None)
    form["properties"] = {**form["properties"], "file": {"type": "string", "format": "binary"}}
    form["required"] = [*form["required"], "file"]
    return _with_body("multipart/form-data", BodySchema(name=shape.__name__, plain=form), True)


@dataclass
class PlainSchema(Schema):
    """A JSON Schema that is written to the document unchanged."""

    plain: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        return self.plain


@dataclass
class BodySchema(PlainSchema):
    """The schema of a request body, and the name of its Struct."""

    name: str = ""


def schema_of(shape: type[Any]) -> PlainSchema:
    return PlainSchema(plain=_schema(shape, None))


def _with_body(media_type: str, schema: BodySchema, required: bool) -> type[Operation]:
    @dataclass
    class OperationWithBody(Operation):
        def __post_init__(self) -> None:
            content = {media_type: OpenAPIMediaType(schema=schema)}
            self.request_body = RequestBody(required=required, content=content)

    return OperationWithBody


def _schema(shape: type[Any], example: dict[str, Any] | None) -> dict[str, Any]:
    (schema,), components = msgspec.json.schema_components([shape], ref_template="{name}")
    plain: dict[str, Any] = _inlined(schema, components)
    plain.pop("title", None)
    return plain if example is None else {**plain, "examples": [example]}


def _inlined(part: Any, components: dict[str, Any]) -> Any:
    """Returns `part` with every reference replaced by its target. Body schemas are small, so copies cost little."""
    if isinstance(part, list):
        return [_inlined(item, components) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(components[part["$ref"]], components)
    return {name: _inlined(item, components) for name, item in part.items()}

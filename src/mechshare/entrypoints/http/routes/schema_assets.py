"""The static files of Swagger UI."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from mechshare.entrypoints.http.protocol.openapi import ASSETS, SWAGGER_UI

Req = Request[Any, Any, Any]


@get(ASSETS + "/{name:str}", include_in_schema=False)
async def get_asset(request: Req, name: FromPath[str]) -> Response[bytes]:
    return SWAGGER_UI.respond(request, name)


router = Router("/", route_handlers=[get_asset])

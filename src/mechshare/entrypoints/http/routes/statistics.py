"""/mechanisms/{id}/views and /stats, and /users/me/stats"""

from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from mechshare.domain.errors import Forbidden, Invalid
from mechshare.domain.statistics import day_in
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, OPTIONAL_TOKEN, refuses
from mechshare.entrypoints.http.protocol.request_body import refuse_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.protocol.visits import visitor_of
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    StatsResponse,
    stats_response,
)
from mechshare.entrypoints.http.representations.users import USERS_PATH
from mechshare.services.statistics import Series

Req = Request[Any, Any, Any]
TAG = Tag("statistics", "Views, downloads and other numbers")
From = Annotated[
    str | None,
    QueryParameter(
        name="from", description="The first day (UTC), YYYY-MM-DD; by default 29 days before `to`."
    ),
]
To = Annotated[
    str | None, QueryParameter(name="to", description="The last day (UTC), YYYY-MM-DD; today by default.")
]


@published("DayOfTraffic")
class DayResponse(Struct):
    """The views and downloads of a day (UTC). Those of the owner, `own_views` and `own_downloads`, are among them."""

    day: date
    views: int
    own_views: int
    downloads: int
    own_downloads: int


@published("Statistics")
class StatisticsResponse(Struct):
    """The numbers until now, and every day of the time that was asked for, in order."""

    stats: StatsResponse
    days: list[DayResponse]


@post(
    MECHANISMS_PATH + "/{mechanism_id:str}/views",
    status_code=204,
    operation_id="addView",
    summary="Count a view",
    opt={**OPTIONAL_TOKEN, "open": True},
)
async def add_view(request: Req, mechanism_id: FromPath[str]) -> Response[None]:
    """Counts that the caller looks at a mechanism which the client has shown from a list or a cache. A caller counts
    once in five minutes, however often it is sent; reading the mechanism counts without it."""
    await refuse_body(request)
    viewer, id = await viewer_of(request), mechanism_id_in(mechanism_id)
    visitor = visitor_of(request.scope, viewer)
    if visitor is not None:
        await application_of(request).statistics.note_view(viewer, id, visitor)
    return no_content()


@get(
    MECHANISMS_PATH + "/{mechanism_id:str}/stats",
    guards=[require_permissions()],
    operation_id="getStatistics",
    summary="Read the statistics of a mechanism",
    responses=NOT_MODIFIED,
    opt=refuses(Forbidden, Invalid),
)
async def get_statistics(
    request: Req, mechanism_id: FromPath[str], first: From = None, last: To = None
) -> Response[StatisticsResponse]:
    """Returns the views and downloads of each day, at most 366 days; for the owner and admins. Everybody who sees the
    mechanism reads its totals as `stats` of the mechanism."""
    series = await application_of(request).statistics.find_series(
        actor_of(request), mechanism_id_in(mechanism_id), day_in("from", first), day_in("to", last)
    )
    return resource(request, _response(series))


@get(
    USERS_PATH + "/me/stats",
    guards=[require_permissions()],
    operation_id="getOwnStatistics",
    summary="Read one's statistics",
    responses=NOT_MODIFIED,
    opt=refuses(Invalid),
)
async def get_own_statistics(
    request: Req, first: From = None, last: To = None
) -> Response[StatisticsResponse]:
    """Returns the sums over all mechanisms of the caller, for each day, at most 366 days."""
    series = await application_of(request).statistics.find_series_of_user(
        actor_of(request), day_in("from", first), day_in("to", last)
    )
    return resource(request, _response(series))


def _response(series: Series) -> StatisticsResponse:
    days = [
        DayResponse(one.day, one.views, one.own_views, one.downloads, one.own_downloads)
        for one in series.days
    ]
    return StatisticsResponse(stats=stats_response(series.counts), days=days)


router = Router("/", tags=[TAG.name], route_handlers=[add_view, get_statistics, get_own_statistics])

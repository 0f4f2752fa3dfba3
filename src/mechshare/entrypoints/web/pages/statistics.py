"""Views and downloads by day: of one mechanism, and of all of a person's."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.web.rendering import page
from mechshare.services.statistics import Series

Req = Request[Any, Any, Any]


@get("/m/{mechanism_id:str}/statistics", guards=[require_permissions()])
async def show_statistics(request: Req, mechanism_id: FromPath[str]) -> Response[str]:
    """Shows the last 30 days of a mechanism to its owner and admins."""
    application, actor, known = application_of(request), actor_of(request), mechanism_id_in(mechanism_id)
    series = await application.statistics.find_series(actor, known, None, None)
    item = await application.mechanisms.get_mechanism(actor, known)
    return await _page(request, series, item.mechanism.title, f"/m/{known}")


@get("/my/statistics", guards=[require_permissions()])
async def show_own_statistics(request: Req) -> Response[str]:
    """Shows the last 30 days of all mechanisms of the person."""
    series = await application_of(request).statistics.find_series_of_user(actor_of(request), None, None)
    return await _page(request, series, "", "/my")


async def _page(request: Req, series: Series, title: str, back: str) -> Response[str]:
    return await page(
        request,
        "statistics.html",
        counts=series.counts,
        days=series.days,
        most=max(max(one.views, one.downloads) for one in series.days),
        title=title,
        back=back,
    )


router = Router("/", route_handlers=[show_statistics, show_own_statistics])

"""The framework sends synchronous hooks to other threads, which costs more than most of them."""

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.utils.sync import AsyncCallable

from tests.http.conftest import Site


async def test_no_hook_of_a_route_runs_in_another_thread(site: Site) -> None:
    assert isinstance(site.litestar, Litestar)
    handlers = [
        handler
        for route in site.litestar.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
    ]
    hooks = {
        hook for handler in handlers for hook in (handler.resolve_before_request(), *handler.resolve_guards())
    } | {site.litestar.after_request, *site.litestar.after_exception}
    assert len(hooks) > 2
    assert not [hook.func.__name__ for hook in hooks if isinstance(hook, AsyncCallable)]

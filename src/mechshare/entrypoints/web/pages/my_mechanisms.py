"""The mechanisms of the person who is signed in: their states, and changes of several at once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import QueryParameter

from mechshare.domain.errors import DomainException, InvalidField, MalformedRequest
from mechshare.domain.ids import MechanismId, is_id
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.pagination import MAX_LIMIT, NEWEST_FIRST, PageRequest, Position
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    note_denial,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.pagination import Cursor, cursor_of, page_request
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.forms import FormFields, form_fields, see_other
from mechshare.entrypoints.web.languages import language_of
from mechshare.entrypoints.web.owned import OwnerState, failed_file, owned, state_of
from mechshare.entrypoints.web.rendering import page, problem_of
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
PAGE_SIZE = 20
_MAX_PAGES_READ = 5
"""Pages of MAX_LIMIT mechanisms that one request reads to find those in a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """One page of the list; `next` is the cursor of the next one, empty on the last page."""

    items: Sequence[AuthoredMechanism]
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What became of one chosen mechanism; `message` says why it was refused, empty if it was not."""

    title: str
    path: str
    message: str


@get("/my", guards=[require_permissions()])
async def show_my_mechanisms(
    request: Req,
    only: Annotated[OwnerState | None, QueryParameter(name="state")] = None,
    cursor: Cursor = None,
    done: Annotated[str, QueryParameter(name="done", max_length=20)] = "",
    count: Annotated[int, QueryParameter(name="count", ge=0, le=MAX_LIMIT)] = 0,
) -> Response[str]:
    return await _list_page(request, only, cursor, done=done, count=count)


@post("/my", guards=[require_permissions()], status_code=200)
async def change_chosen(request: Req) -> Response[Any]:
    """Publishes or withdraws the chosen mechanisms, or asks whether to delete them."""
    fields = await form_fields(request)
    state, action = _state_of(fields), fields.text("action")
    try:
        chosen = _chosen(fields)
    except InvalidField as error:
        return await _list_page(request, state, error=error)
    if action == "delete":
        items = await application_of(request).mechanisms.find_visible(actor_of(request), chosen)
        return await page(request, "my_delete.html", items=items, state=state)
    if action not in _ACTIONS:
        raise MalformedRequest(problem="the action is missing. Reload the page.")
    return await _carry_out(request, action, chosen, state)


@post("/my/delete", guards=[require_permissions()], status_code=200)
async def delete_chosen(request: Req) -> Response[Any]:
    fields = await form_fields(request)
    return await _carry_out(request, "delete", _chosen(fields), _state_of(fields))


@post(
    "/my/retry",
    guards=[require_permissions()],
    status_code=200,
    before_request=limits(CostlyOperation.RETRIES),
)
async def retry_processing(request: Req) -> Response[Any]:
    fields = await form_fields(request)
    return await _carry_out(request, "retry", _ids(fields, "retry"), _state_of(fields))


async def _publish(request: Req, id: MechanismId) -> None:
    await application_of(request).mechanisms.publish(actor_of(request), id)


async def _withdraw(request: Req, id: MechanismId) -> None:
    await application_of(request).mechanisms.withdraw(actor_of(request), id, request_metadata_of(request))


async def _delete(request: Req, id: MechanismId) -> None:
    metadata = request_metadata_of(request)
    await application_of(request).mechanisms.delete_mechanism(actor_of(request), id, metadata)


async def _retry(request: Req, id: MechanismId) -> None:
    await application_of(request).processing.retry(actor_of(request), id)


_ACTIONS: Mapping[str, Callable[[Req, MechanismId], Awaitable[None]]] = {
    "publish": _publish,
    "withdraw": _withdraw,
    "delete": _delete,
    "retry": _retry,
}


async def _carry_out(
    request: Req, action: str, chosen: Sequence[MechanismId], state: OwnerState | None
) -> Response[Any]:
    """Changes one mechanism after the other; if one is refused, the others are changed anyway."""
    items = await application_of(request).mechanisms.find_visible(actor_of(request), chosen)
    titles = {item.mechanism.id: item.mechanism.title for item in items}
    results, status = [], 200
    for id in chosen:
        message = ""
        try:
            await _ACTIONS[action](request, id)
        except DomainException as error:
            await note_denial(error, request.scope)
            message, status = problem_of(request, error)["message"], status_of(error)
        results.append(_Result(title=titles.get(id, id), path=f"/m/{id}", message=message))
    if status == 200:
        filtered = f"state={state}&" if state else ""
        return see_other(f"/my?{filtered}done={action}&count={len(results)}")
    return await _list_page(request, state, done=action, results=results, status=status)


async def _list_page(
    request: Req,
    state: OwnerState | None,
    cursor: str | None = None,
    *,
    done: str = "",
    count: int = 0,
    results: Sequence[_Result] = (),
    error: InvalidField | None = None,
    status: int = 200,
) -> Response[str]:
    application, language = application_of(request), language_of(request)
    listed = await _find(request, state, cursor)
    addresses = media_addresses(application)
    shown = [
        owned(
            card(item, addresses),
            failed_file(application, item.mechanism, language),
            await _alike(request, item.mechanism),
        )
        for item in listed.items
    ]
    return await page(
        request,
        "my_mechanisms.html",
        items=shown,
        next=listed.next,
        is_first=cursor is None,
        state=state,
        states=list(OwnerState),
        done=done,
        count=count,
        results=results,
        problem=problem_of(request, error) if error else None,
        status=status_of(error) if error else status,
    )


async def _alike(request: Req, mechanism: Mechanism) -> list[Mechanism]:
    """Returns what moves much like a draft, so that its owner learns of a duplicate before publishing it."""
    if state_of(mechanism) is not OwnerState.DRAFT:
        return []
    found = await application_of(request).motions.find_alike(actor_of(request), mechanism.id)
    return [one.item.mechanism for one in found]


async def _find(request: Req, state: OwnerState | None, cursor: str | None) -> _Listed:
    """Returns the next PAGE_SIZE mechanisms in `state`, or fewer with a cursor if it had to read too many others."""
    actor, mechanisms = actor_of(request), application_of(request).mechanisms
    size = PAGE_SIZE if state is None else MAX_LIMIT
    requested = page_request(None, size, cursor, NEWEST_FIRST, actor.id)
    found: list[AuthoredMechanism] = []
    after: Position | None = None
    for _ in range(_MAX_PAGES_READ):
        read = await mechanisms.find_all(actor, requested, MechanismFilter(user_id=actor.id))
        found += [item for item in read.items if state is None or state_of(item.mechanism) is state]
        after = read.next
        if after is None or len(found) >= PAGE_SIZE:
            break
        requested = PageRequest(limit=size, after=after, counted=read.counted)
    if len(found) > PAGE_SIZE:
        found = found[:PAGE_SIZE]
        last = found[-1].mechanism
        after = Position(key=last.created_at, id=last.id)
    return _Listed(items=found, next=cursor_of(after, NEWEST_FIRST, conditions=actor.id) if after else "")


def _chosen(fields: FormFields) -> list[MechanismId]:
    """Returns the chosen mechanisms. Raises InvalidField if there is none, or more than MAX_LIMIT."""
    chosen = _ids(fields, "id")
    if len(chosen) > MAX_LIMIT:
        raise InvalidField(
            "id",
            en=f"Choose at most {MAX_LIMIT} mechanisms at a time.",
            ja=f"一度に選択できる機構は {MAX_LIMIT} 件までです。",
        )
    if not chosen:
        raise InvalidField("id", en="Choose at least one mechanism.", ja="機構を 1 件以上選択してください。")
    return chosen


def _ids(fields: FormFields, name: str) -> list[MechanismId]:
    return [MechanismId(id) for id in dict.fromkeys(fields.get(name, ())) if is_id(id)]


def _state_of(fields: FormFields) -> OwnerState | None:
    text = fields.text("state")
    return OwnerState(text) if text in list(OwnerState) else None


router = Router("/", route_handlers=[show_my_mechanisms, change_chosen, delete_chosen, retry_processing])

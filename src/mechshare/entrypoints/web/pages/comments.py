"""The comments on a mechanism: to read, to write, to edit, to delete and to lock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from mechshare.domain.comments import (
    REPLY_ORDER,
    AuthoredComment,
    CommentId,
    CommentNotEditable,
    CommentSort,
    Thread,
)
from mechshare.domain.errors import Conflict, DomainException, Invalid
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    note_draft_read,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.web.discussions import anchor_in, comment_actions, form_values
from mechshare.entrypoints.web.forms import FormFields, form_fields, see_other
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page, problem_of

Req = Request[Any, Any, Any]
Sort = Annotated[CommentSort, QueryParameter(name="sort")]


@get("/m/{mechanism_id:str}/comments")
async def show_comments(
    request: Req,
    mechanism_id: FromPath[str],
    sort: Sort = CommentSort.NEWEST,
    cursor: Cursor = None,
) -> Response[str]:
    return await _list_page(request, mechanism_id_in(mechanism_id), sort, cursor)


@get("/m/{mechanism_id:str}/comments/{comment_id:str}")
async def show_thread(
    request: Req, mechanism_id: FromPath[str], comment_id: FromPath[str], cursor: Cursor = None
) -> Response[Any]:
    """Shows a comment with all its replies; a reply leads to the comment that it belongs to."""
    known = mechanism_id_in(mechanism_id)
    thread, more = await _find_thread(request, known, CommentId(comment_id), cursor)
    if thread.first.comment.thread_id:
        return _see(known, thread.first)
    return await _page(request, known, [thread], more=more, is_thread=True)


@post("/m/{mechanism_id:str}/comments", status_code=200, guards=[require_permissions()])
async def write_comment(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    thread_id = CommentId(fields.text("thread_id")) if fields.text("thread_id") else None
    try:
        added = await application_of(request).comments.add(
            actor_of(request), known, fields.text("text"), anchor_in(fields), thread_id
        )
    except (Invalid, Conflict) as error:
        return await _list_page(request, known, error=error, fields=fields)
    return _see(known, added)


@post("/m/{mechanism_id:str}/comments/{comment_id:str}/edit", status_code=200, guards=[require_permissions()])
async def edit_comment(request: Req, mechanism_id: FromPath[str], comment_id: FromPath[str]) -> Response[Any]:
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    try:
        edited = await application_of(request).comments.edit(
            actor_of(request), known, CommentId(comment_id), fields.text("text")
        )
    except (Invalid, CommentNotEditable) as error:
        return await _refused_edit(request, known, CommentId(comment_id), fields.text("text"), error)
    except Conflict as error:  # the comment was deleted, or the comments are locked
        return await _list_page(request, known, error=error, fields=fields)
    return _see(known, edited)


@post(
    "/m/{mechanism_id:str}/comments/{comment_id:str}/delete", status_code=200, guards=[require_permissions()]
)
async def delete_comment(
    request: Req, mechanism_id: FromPath[str], comment_id: FromPath[str]
) -> Response[Any]:
    known = mechanism_id_in(mechanism_id)
    await application_of(request).comments.delete(
        actor_of(request), known, CommentId(comment_id), request_metadata_of(request)
    )
    return see_other(f"/m/{known}#comments")


@post("/m/{mechanism_id:str}/comment-lock", status_code=200, guards=[require_permissions()])
async def change_lock(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Locks the comments, or unlocks them if the field `do` says so."""
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    comments, metadata = application_of(request).comments, request_metadata_of(request)
    if fields.text("do") == "remove":
        await comments.unlock(actor_of(request), known, metadata)
    else:
        await comments.lock(actor_of(request), known, metadata)
    return see_other(f"/m/{known}#comments")


async def _find_thread(
    request: Req, mechanism_id: MechanismId, comment_id: CommentId, cursor: str | None = None
) -> tuple[Thread, str]:
    """Returns the comment with a page of its replies, and the query of the next page."""
    requested = page_request(None, None, cursor, REPLY_ORDER, conditions=comment_id)
    first, replies = await application_of(request).comments.find_thread(
        await viewer_of(request), mechanism_id, comment_id, requested
    )
    thread = Thread(first=first, reply_count=replies.total, replies=replies.items)
    return thread, next_query(replies, order=REPLY_ORDER, conditions=comment_id)


async def _refused_edit(
    request: Req,
    mechanism_id: MechanismId,
    comment_id: CommentId,
    text: str,
    error: Invalid | CommentNotEditable,
) -> Response[str]:
    """Returns the page of the thread with the text that was sent, in the form to edit the comment; once it is too late
    for that, in the form to reply."""
    thread, more = await _find_thread(request, mechanism_id, comment_id)
    if thread.first.comment.thread_id:
        thread, more = await _find_thread(request, mechanism_id, thread.first.comment.thread_id)
    is_late = isinstance(error, CommentNotEditable)
    at = f"reply-{thread.first.comment.id}" if is_late else f"edit-{comment_id}"
    return await _page(
        request, mechanism_id, [thread], more=more, is_thread=True, error=error, unsaved={at: text}
    )


async def _list_page(
    request: Req,
    mechanism_id: MechanismId,
    sort: CommentSort = CommentSort.NEWEST,
    cursor: str | None = None,
    error: DomainException | None = None,
    fields: FormFields | None = None,
) -> Response[str]:
    """Returns a page of all comments; after a refused form with its fields and the message of `error`."""
    requested = page_request(None, None, cursor, sort.order, conditions=mechanism_id)
    found = await application_of(request).comments.find_threads(
        await viewer_of(request), mechanism_id, sort, requested
    )
    more = next_query(found.threads, [("sort", sort.value)], sort.order, mechanism_id)
    return await _page(
        request, mechanism_id, found.threads.items, sort=sort, more=more, error=error, fields=fields
    )


async def _page(
    request: Req,
    mechanism_id: MechanismId,
    threads: Sequence[Thread],
    *,
    sort: CommentSort = CommentSort.NEWEST,
    more: str,
    is_thread: bool = False,
    error: DomainException | None = None,
    fields: FormFields | None = None,
    unsaved: Mapping[str, str] | None = None,
) -> Response[str]:
    application, viewer = application_of(request), await viewer_of(request)
    item = await application.mechanisms.get_mechanism(viewer, mechanism_id)
    await note_draft_read(request, viewer, item.mechanism)
    shown = [one.comment for thread in threads for one in (thread.first, *thread.replies)]
    return await page(
        request,
        "comments.html",
        status=status_of(error) if error else 200,
        mechanism=item.mechanism,
        threads=threads,
        lock=await application.comments.find_lock(viewer, mechanism_id),
        comment_actions=replace(
            comment_actions(application, viewer, item.mechanism, shown), unsaved=unsaved or {}
        ),
        sort=sort.value,
        more=more,
        is_thread=is_thread,
        values=form_values(fields),
        problem=problem_of(request, error) if error else None,
    )


def _see(mechanism_id: MechanismId, item: AuthoredComment) -> Response[Any]:
    """Returns the redirect to the comment, on the page where it stands."""
    comment = item.comment
    if comment.thread_id:
        return see_other(f"/m/{mechanism_id}/comments/{comment.thread_id}#comment-{comment.id}")
    return see_other(f"/m/{mechanism_id}#comment-{comment.id}")


router = Router(
    "/",
    route_handlers=[show_comments, show_thread, write_comment, edit_comment, delete_comment, change_lock],
)

"""Error responses: `{"status": "error", "message", "code", "request_id"}`, and `details` for invalid input."""

import traceback
from typing import Any, Literal

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions.base_exceptions import SerializationException
from litestar.types import Receive, Scope, Send
from msgspec import UNSET, Struct, UnsetType

from mechshare.domain import errors
from mechshare.domain.errors import DomainException
from mechshare.domain.uploads import ChecksumMismatch
from mechshare.entrypoints.http.protocol.request_id import request_id_of
from mechshare.entrypoints.http.protocol.schema_names import published


class MethodNotAllowed(DomainException):
    code = "METHOD_NOT_ALLOWED"
    messages = {
        "en": "{method} is not allowed here. Use {allowed}.",
        "ja": "このアドレスでは {method} を使えません。{allowed} を使ってください。",
    }


class UriTooLong(DomainException):
    code = "URI_TOO_LONG"
    messages = {
        "en": "The URI of the request exceeds the limit of {limit} bytes. Shorten it.",
        "ja": "リクエストの URI が上限（{limit} バイト）を超えています。短くしてください。",
    }


class HeadersTooLarge(DomainException):
    code = "HEADERS_TOO_LARGE"
    messages = {
        "en": "The header fields of the request exceed the limit of {limit} bytes. Send fewer or shorter ones.",
        "ja": "リクエストヘッダーが上限（{limit} バイト）を超えています。数を減らすか、短くしてください。",
    }


class BodyTimedOut(DomainException):
    code = "BODY_TIMED_OUT"
    messages = {
        "en": "The request body arrived too slowly. Send the request again.",
        "ja": "リクエスト本文の受信に時間がかかりすぎました。もう一度送信してください。",
    }


class UnsupportedContentCoding(errors.UnsupportedMedia):
    code = "UNSUPPORTED_CONTENT_CODING"
    messages = {
        "en": "Request bodies with Content-Encoding '{coding}' are not supported. Send the body without a coding.",
        "ja": "Content-Encoding「{coding}」のリクエスト本文には対応していません。圧縮せずに送信してください。",
    }


class RangeNotSatisfiable(DomainException):
    code = "RANGE_NOT_SATISFIABLE"
    messages = {
        "en": "The file has {size} bytes. Request a range within it.",
        "ja": "ファイルのサイズは {size} バイトです。その範囲内で Range を指定してください。",
    }


class UnsupportedTusVersion(errors.Stale):
    """The client does not speak the version of tus that this server speaks."""

    code = "UNSUPPORTED_TUS_VERSION"
    messages = {
        "en": "Send 'Tus-Resumable: {version}', the version of the upload protocol that this server speaks.",
        "ja": "「Tus-Resumable: {version}」を送信してください（このサーバーが対応するバージョンです）。",
    }


class NotStarted(errors.Unavailable):
    code = "NOT_STARTED"
    messages = {
        "en": "mechshare was not started: the lifespan of its ASGI application did not run. Use a server or a test "
        "client that runs it, as the pytest fixture mechshare_client does.",
        "ja": "mechshare が起動していません。ASGI アプリケーションの lifespan が実行されていません。lifespan を実行する"
        "サーバーまたはテストクライアント（pytest のフィクスチャ mechshare_client など）をご利用ください。",
    }


class TooManyUnfinished(errors.TooMany):
    code = "TOO_MANY_UNFINISHED"
    messages = {
        "en": "At most {limit} requests may be in progress at a time. Try again in {retry_after} seconds.",
        "ja": "処理中のリクエストは同時に {limit} 件までです。{retry_after} 秒後にもう一度お試しください。",
    }


class TooManyStreams(errors.Unavailable):
    code = "TOO_MANY_STREAMS"
    messages = {
        "en": "Too many clients are receiving events. Read the processing status instead, or try again later.",
        "ja": "イベントの受信が混み合っています。処理状況を取得するか、しばらくしてからもう一度お試しください。",
    }


class InternalError(DomainException):
    code = "INTERNAL_ERROR"
    messages = {
        "en": "The server failed unexpectedly. Give the operator the request_id.",
        "ja": "サーバーで予期しないエラーが発生しました。request_id を運用担当者にお伝えください。",
    }


STATUSES: dict[type[DomainException], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    MethodNotAllowed: 405,
    BodyTimedOut: 408,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.TooLarge: 413,
    UriTooLong: 414,
    errors.UnsupportedMedia: 415,
    RangeNotSatisfiable: 416,
    errors.Invalid: 422,
    errors.PreconditionRequired: 428,
    errors.TooMany: 429,
    HeadersTooLarge: 431,
    ChecksumMismatch: 460,  # of tus
    InternalError: 500,
    errors.Unavailable: 503,
    errors.OutOfSpace: 507,
}
"""Maps each family of errors to its HTTP status (RFC 9110, RFC 6585; 507 is RFC 4918)."""

RETRY_SOON = 2
"""Retry-After, in seconds, of requests that failed because a dependency was unavailable."""


class FieldProblem(Struct):
    """What is wrong with one field of the request."""

    field: str
    message: str


@published("Error")
class ErrorBody(Struct):
    """The body of every error response. `details` is present if fields of the request are invalid."""

    status: Literal["error"]
    message: str
    code: str
    request_id: str
    details: list[FieldProblem] | UnsetType = UNSET


def status_of(error: DomainException) -> int:
    return status_of_kind(type(error))


def domain_error_response(request: Request[Any, Any, Any], error: DomainException) -> Response[bytes]:
    """Returns the response for an error of the domain."""
    language = preferred_language(request.headers.get("accept-language", ""))
    body = ErrorBody(
        status="error",
        message=error.message_in(language),
        code=error.code,
        request_id=request_id_of(request.scope),
        details=_details(error, language) or UNSET,
    )
    return Response(
        content=msgspec.json.encode(body),
        status_code=status_of(error),
        media_type=MediaType.JSON,
        headers={"Cache-Control": "no-store", "Content-Language": language, **_headers(error)},
    )


async def send_refusal(error: DomainException, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends the response to `error` from a middleware, which the framework's exception handlers do not reach.

    A response to HEAD has no content.
    """
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    response: Response[Any] = domain_error_response(request, error)
    if request.method == "HEAD":
        response.content = b""  # None would be sent as JSON: null
    await response.to_asgi_response(None, request)(scope, receive, send)


def framework_error_response(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Returns the response for an error of the framework, in the same format as errors of the domain."""
    return domain_error_response(request, _translated(request, error))


def unexpected_error_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Logs an unexpected exception with its traceback; returns a 500 without details."""
    _log("request_crashed", request, error)
    return domain_error_response(request, InternalError())


def preferred_language(header: str) -> str:
    """Returns the preferred of LANGUAGES by Accept-Language (RFC 9110, 12.5.4); English if it names none of them."""
    best, best_weight = "en", 0.0
    for part in header.split(","):
        name, _, parameter = part.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if language in errors.LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _translated(request: Request[Any, Any, Any], error: HTTPException) -> DomainException:
    match error.status_code:
        case 404:
            return errors.RouteNotFound()
        case 405:
            return MethodNotAllowed(method=request.scope["method"], allowed=_allowed(error))
        case 413:
            return errors.BodyTooLarge(limit=request.route_handler.resolve_request_max_body_size())
        case status if status < 500:
            return errors.MalformedRequest(problem=_problem(error), details=_field_problems(error))
    _log("request_failed", request, error)
    return InternalError()


def _log(event: str, request: Request[Any, Any, Any], error: Exception) -> None:
    # As text: traceback renderers of log libraries may add local variables, and with them passwords and tokens.
    trace = "".join(traceback.format_exception(error))
    structlog.get_logger().error(event, path=request.scope["path"], traceback=trace)


def _allowed(error: HTTPException) -> str:
    methods = {method for method in (error.headers or {}).get("allow", "").split(", ") if method}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _problem(error: HTTPException) -> str:
    if isinstance(error, ValidationException) and error.extra:
        return "see details."
    cause = error.__cause__
    if isinstance(cause, SerializationException):
        return str(cause.__cause__ or cause)
    return error.detail


def _field_problems(error: HTTPException) -> list[tuple[str, str]]:
    extra = error.extra if isinstance(error.extra, list) else []
    return [(str(item.get("key", "")), str(item.get("message", ""))) for item in extra]


def _details(error: DomainException, language: str) -> list[FieldProblem]:
    if isinstance(error, errors.InvalidField):
        return [FieldProblem(field=error.field, message=error.rule[language])]
    if isinstance(error, errors.MalformedRequest):
        return [FieldProblem(field=field, message=message) for field, message in error.details]
    return []


def _headers(error: DomainException) -> dict[str, str]:
    if isinstance(error, errors.TooMany):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, errors.Unavailable | errors.OutOfSpace):
        return {"Retry-After": str(RETRY_SOON)}
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="mechshare"'}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": str(error.facts["allowed"])}
    if isinstance(error, RangeNotSatisfiable):
        return {"Content-Range": f"bytes */{error.facts['size']}"}
    return {}


def errors_page() -> str:
    """Returns the text of docs/errors.md, which lists every error class."""
    kinds = sorted(_leaves(DomainException), key=lambda kind: (status_of_kind(kind), kind.code))
    rows = [(status_of_kind(kind), kind.code, kind.messages) for kind in kinds]
    lines = [
        "# Errors",
        "",
        "Every error has one body: `status` (`error`), `message`, `code`, `request_id`, and `details` for bad input.",
        "Codes never change. `Accept-Language: ja` gives Japanese messages. Values replace the names in braces.",
        "",
        "| status | code | message | メッセージ |",
        "|---|---|---|---|",
    ]
    lines += [f"| {status} | `{code}` | {trace['en']} | {trace['ja']} |" for status, code, trace in rows]
    return "\n".join(lines) + "\n"


def error_codes() -> list[str]:
    """Returns the code of every error, in alphabetical order."""
    return sorted({kind.code for kind in _leaves(DomainException)})


def status_of_kind(kind: type[DomainException]) -> int:
    return next(STATUSES[family] for family in kind.__mro__ if family in STATUSES)


def _leaves(kind: type[DomainException]) -> list[type[DomainException]]:
    children = kind.__subclasses__()
    return [leaf for child in children for leaf in _leaves(child)] if children else [kind]

"""The error tree. A family is a kind of refusal; a leaf is one refusal, with a code that never changes.

No error contains an HTTP status: the entry points map families to statuses. Messages are in English and Japanese and
say what the caller can do.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

LANGUAGES = ("en", "ja")


class DomainException(Exception):
    """A refused request. `code` is stable, `message` is in English, `message_in` returns other languages."""

    code: ClassVar[str]
    messages: ClassVar[Mapping[str, str]]

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        return self.message_in("en")

    def message_in(self, language: str) -> str:
        """Returns the message in `language`, one of LANGUAGES; in English for any other."""
        return self.messages.get(language, self.messages["en"]).format_map(self.facts)


class NotFound(DomainException):
    """The resource does not exist, or the caller may not know that it does."""


class Conflict(DomainException):
    """The request conflicts with the current state."""


class Forbidden(DomainException):
    """The caller is authenticated but not permitted to do this."""


class Unauthenticated(DomainException):
    """The caller is not authenticated."""


class Malformed(DomainException):
    """The request could not be parsed."""


class Invalid(DomainException):
    """The request is well-formed but breaks a rule of the domain."""


class TooLarge(DomainException):
    """The request exceeds a size limit of this installation."""


class UnsupportedMedia(DomainException):
    """The media type is not supported."""


class Stale(DomainException):
    """The resource has changed since the caller read it."""


class PreconditionRequired(DomainException):
    """The request must name the version that it changes."""


class TooMany(DomainException):
    """The caller sent more requests than allowed. `retry_after` is in whole seconds."""

    def __init__(self, *, retry_after: int, **facts: object) -> None:
        self.retry_after = retry_after
        super().__init__(retry_after=retry_after, **facts)


class Unavailable(DomainException):
    """A dependency of mechshare does not respond; the same request may succeed later."""


class OutOfSpace(DomainException):
    """The storage is full; nothing of the request was saved."""


# --- leaves -----------------------------------------------------------------------------------------------------


class MechanismNotFound(NotFound):
    code = "MECHANISM_NOT_FOUND"
    messages = {"en": "Mechanism not found.", "ja": "機構が見つかりません。"}


class UserNotFound(NotFound):
    code = "USER_NOT_FOUND"
    messages = {"en": "User not found.", "ja": "ユーザーが見つかりません。"}


class CategoryNotFound(NotFound):
    code = "CATEGORY_NOT_FOUND"
    messages = {"en": "Category not found.", "ja": "カテゴリーが見つかりません。"}


class SessionNotFound(NotFound):
    code = "SESSION_NOT_FOUND"
    messages = {"en": "Session not found.", "ja": "セッションが見つかりません。"}


class MediaNotFound(NotFound):
    code = "MEDIA_NOT_FOUND"
    messages = {
        "en": "The media do not exist, or the link has expired. Read the mechanism again for a new link.",
        "ja": "メディアが存在しないか、リンクの期限が切れています。機構を取得し直すと、新しいリンクが得られます。",
    }


class JobNotFound(NotFound):
    code = "JOB_NOT_FOUND"
    messages = {"en": "Job not found.", "ja": "ジョブが見つかりません。"}


class RouteNotFound(NotFound):
    code = "ROUTE_NOT_FOUND"
    messages = {
        "en": "There is nothing at this address. The API is described at /schema.",
        "ja": "このアドレスには何もありません。API の仕様は /schema をご覧ください。",
    }


class UnauthorizedOperation(Forbidden):
    code = "UNAUTHORIZED_OPERATION"
    messages = {
        "en": "You lack the permission {permission}, which this operation requires. Ask an administrator for it.",
        "ja": "この操作は許可されていません。権限 {permission} が必要です。必要な方は管理者にご相談ください。",
    }


class WithdrawnByModerator(Forbidden):
    code = "WITHDRAWN_BY_MODERATOR"
    messages = {
        "en": "A moderator withdrew this mechanism ({reason}); only a moderator can publish it again.",
        "ja": "この機構はモデレーターが取り下げました（{reason}）。再公開できるのはモデレーターだけです。",
    }


class AuthenticationRequired(Unauthenticated):
    code = "AUTHENTICATION_REQUIRED"
    messages = {
        "en": "Sign in first: send 'Authorization: Bearer <access token>'.",
        "ja": "先にサインインしてください（Authorization: Bearer <アクセストークン>）。",
    }


class InvalidCredentials(Unauthenticated):
    code = "INVALID_CREDENTIALS"
    messages = {"en": "Wrong user name or password.", "ja": "ユーザー名またはパスワードが違います。"}


class InvalidToken(Unauthenticated):
    code = "INVALID_TOKEN"
    messages = {
        "en": "The token is invalid or has expired. Refresh it or sign in again.",
        "ja": "トークンが無効か、期限が切れています。更新するか、サインインし直してください。",
    }


class MalformedRequest(Malformed):
    """`details` has (field, message) for each invalid field."""

    code = "MALFORMED_REQUEST"
    messages = {
        "en": "The request could not be read: {problem}",
        "ja": "リクエストを読み取れません: {problem}",
    }

    def __init__(self, *, problem: str, details: Sequence[tuple[str, str]] = ()) -> None:
        self.details = tuple(details)
        super().__init__(problem=problem)


class InvalidField(Invalid):
    """A field breaks a rule. `rule` is the sentence about it in each language."""

    code = "INVALID_FIELD"
    messages = {"en": "{field}: {rule_en}", "ja": "{field}: {rule_ja}"}

    def __init__(self, field: str, *, en: str, ja: str) -> None:
        self.field = field
        self.rule = {"en": en, "ja": ja}
        super().__init__(field=field, rule_en=en, rule_ja=ja)


class NotReady(Conflict):
    code = "MECHANISM_NOT_READY"
    messages = {
        "en": "Only a mechanism whose processing is ready can be published; this one is {state}. Wait until it is "
        "ready; if its processing failed, read the reason and try again.",
        "ja": "公開できるのは処理が完了した機構だけです。現在の状態は {state} です。完了までお待ちください。"
        "失敗した場合は、理由を確認して再試行してください。",
    }


class NothingToRetry(Conflict):
    code = "NOTHING_TO_RETRY"
    messages = {
        "en": "Only processing that failed can be retried; this one is {state}.",
        "ja": "再試行できるのは失敗した処理だけです。現在の状態は {state} です。",
    }


class NameTaken(Conflict):
    code = "NAME_TAKEN"
    messages = {
        "en": "{field} is already in use. Choose another.",
        "ja": "{field} はすでに使われています。別のものを選んでください。",
    }


class CannotModifySelf(Conflict):
    code = "CANNOT_MODIFY_SELF"
    messages = {
        "en": "You cannot change your own role or suspension. Ask another admin.",
        "ja": "自分自身の権限や停止状態は変更できません。他の管理者に依頼してください。",
    }


class CategoryInUse(Conflict):
    code = "CATEGORY_IN_USE"
    messages = {
        "en": "{count} mechanisms are in this category. Move them to another one first.",
        "ja": "このカテゴリーには {count} 件の機構があります。先に別のカテゴリーへ移してください。",
    }


class IdempotencyKeyReused(Conflict):
    code = "IDEMPOTENCY_KEY_REUSED"
    messages = {
        "en": "This Idempotency-Key was used with another request. Send a new key.",
        "ja": "この Idempotency-Key は別のリクエストで使われました。新しいキーを送ってください。",
    }


class JobNotCancellable(Conflict):
    code = "JOB_NOT_CANCELLABLE"
    messages = {
        "en": "Only a job that has not ended can be cancelled; this one is {state}.",
        "ja": "取り消せるのは終了していないジョブだけです。現在の状態は {state} です。",
    }


class JobNotRetryable(Conflict):
    code = "JOB_NOT_RETRYABLE"
    messages = {
        "en": "Only a failed or cancelled job can be retried; this one is {state}.",
        "ja": "再試行できるのは、失敗したジョブか取り消されたジョブだけです。現在の状態は {state} です。",
    }


class StaleVersion(Stale):
    code = "STALE_VERSION"
    messages = {
        "en": "The resource has changed since you read it. Read it again and repeat the change.",
        "ja": "取得後に内容が変更されています。取得し直してから、もう一度変更してください。",
    }


class VersionRequired(PreconditionRequired):
    code = "VERSION_REQUIRED"
    messages = {
        "en": "Send 'If-Match' with the ETag of the version that you change, or * to overwrite any version.",
        "ja": "If-Match に、変更するバージョンの ETag を指定してください（* ならどのバージョンも上書きします）。",
    }


class FileTooLarge(TooLarge):
    code = "FILE_TOO_LARGE"
    messages = {
        "en": "The file exceeds the limit of {limit} bytes. Send a smaller file, such as a shorter clip.",
        "ja": "ファイルが上限（{limit} バイト）を超えています。動画を短くするなど、小さくして送ってください。",
    }


class BodyTooLarge(TooLarge):
    code = "BODY_TOO_LARGE"
    messages = {
        "en": "The request body exceeds the limit of {limit} bytes. Send a smaller one.",
        "ja": "リクエスト本文が上限（{limit} バイト）を超えています。小さくして送ってください。",
    }


class UnsupportedContentType(UnsupportedMedia):
    code = "UNSUPPORTED_CONTENT_TYPE"
    messages = {
        "en": "Content-Type '{content_type}' is not supported here. Send {accepted}.",
        "ja": "Content-Type「{content_type}」には対応していません。{accepted} で送ってください。",
    }


class TooManyRequests(TooMany):
    code = "TOO_MANY_REQUESTS"
    messages = {
        "en": "Too many requests. Try again in {retry_after} seconds.",
        "ja": "リクエストが多すぎます。{retry_after} 秒後にもう一度お試しください。",
    }


class TooManyFailedSignIns(TooMany):
    code = "TOO_MANY_FAILED_SIGN_INS"
    messages = {
        "en": "Too many failed sign-ins. Try again in {retry_after} seconds.",
        "ja": "サインインの失敗が多すぎます。{retry_after} 秒後にもう一度お試しください。",
    }


class DependencyUnavailable(Unavailable):
    code = "DEPENDENCY_UNAVAILABLE"
    messages = {
        "en": "The {dependency} is not responding. Check whether your change was made, then try again shortly.",
        "ja": "現在 {dependency} が応答していません。変更が反映されたかを確認し、しばらくしてからお試しください。",
    }


class SchemaOutdated(Unavailable):
    code = "SCHEMA_OUTDATED"
    messages = {
        "en": "The database schema is at {found}, but this program needs {newest}. Run 'mechshare migrate'.",
        "ja": "データベースのスキーマは {found} ですが、{newest} が必要です。mechshare migrate を実行してください。",
    }


class StorageFull(OutOfSpace):
    code = "STORAGE_FULL"
    messages = {
        "en": "The storage is full. Nothing was saved. Try again later, or tell the operator.",
        "ja": "ストレージの空き容量がなく、何も保存されていません。時間をおいて試すか、運用担当者に連絡してください。",
    }

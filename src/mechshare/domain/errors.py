"""The one error tree. A family says what kind of refusal it is, a leaf says which, with a code that never changes.

No error knows an HTTP status: the entry points map families to their own world.
Messages are written for the person who has to act on them, in English and Japanese.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

LANGUAGES = ("en", "ja")


class DomainException(Exception):
    """A request that the domain refuses. `code` is stable; `message` is English; `message_in` speaks Japanese too."""

    code: ClassVar[str]
    messages: ClassVar[Mapping[str, str]]

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        return self.message_in("en")

    def message_in(self, language: str) -> str:
        """The message in `language`, one of LANGUAGES; English for any other."""
        return self.messages.get(language, self.messages["en"]).format_map(self.facts)


class NotFound(DomainException):
    """What was asked for does not exist, or must look as if it did not."""


class Conflict(DomainException):
    """The request is sound but contradicts what is already there."""


class Forbidden(DomainException):
    """The caller is known and may not do this."""


class Unauthenticated(DomainException):
    """The caller is not known."""


class Malformed(DomainException):
    """The request could not be read."""


class Invalid(DomainException):
    """The request was read and breaks a rule of the domain."""


class TooLarge(DomainException):
    """The request is larger than this installation takes."""


class UnsupportedMedia(DomainException):
    """The file is of no kind that mechshare takes."""


class Stale(DomainException):
    """The caller's copy is older than what is stored."""


class PreconditionRequired(DomainException):
    """The request must say which version it means to change."""


class TooMany(DomainException):
    """The caller asks more often than allowed. `retry_after` is in whole seconds."""

    def __init__(self, *, retry_after: int, **facts: object) -> None:
        self.retry_after = retry_after
        super().__init__(retry_after=retry_after, **facts)


class Unavailable(DomainException):
    """Something that mechshare depends on does not answer; the same request may succeed later."""


class OutOfSpace(DomainException):
    """The store is full; nothing of the request was kept."""


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
        "en": "No such media, or its link has expired. Read the mechanism again for a fresh link.",
        "ja": "メディアが存在しないか、リンクの期限が切れています。機構を読み直して新しいリンクを取得してください。",
    }


class JobNotFound(NotFound):
    code = "JOB_NOT_FOUND"
    messages = {"en": "Job not found.", "ja": "ジョブが見つかりません。"}


class RouteNotFound(NotFound):
    code = "ROUTE_NOT_FOUND"
    messages = {
        "en": "There is nothing at this address. The API is described at /schema.",
        "ja": "このアドレスには何もありません。API の説明は /schema にあります。",
    }


class UnauthorizedOperation(Forbidden):
    code = "UNAUTHORIZED_OPERATION"
    messages = {
        "en": "This needs the permission {permission}, which you do not have.",
        "ja": "この操作は許可されていません。権限 {permission} が必要です。",
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
    """`details` names each field at fault: (field, message)."""

    code = "MALFORMED_REQUEST"
    messages = {
        "en": "The request could not be read: {problem}",
        "ja": "リクエストを読み取れません: {problem}",
    }

    def __init__(self, *, problem: str, details: Sequence[tuple[str, str]] = ()) -> None:
        self.details = tuple(details)
        super().__init__(problem=problem)


class InvalidField(Invalid):
    """One field breaks a rule. `rule` holds the sentence in every language."""

    code = "INVALID_FIELD"
    messages = {"en": "{field}: {rule_en}", "ja": "{field}: {rule_ja}"}

    def __init__(self, field: str, *, en: str, ja: str) -> None:
        self.field = field
        self.rule = {"en": en, "ja": ja}
        super().__init__(field=field, rule_en=en, rule_ja=ja)


class NotReady(Conflict):
    code = "MECHANISM_NOT_READY"
    messages = {
        "en": "Only a mechanism whose processing is ready can be published; this one is {state}.",
        "ja": "公開できるのは処理が完了した機構だけです。現在の状態は {state} です。",
    }


class NothingToRetry(Conflict):
    code = "NOTHING_TO_RETRY"
    messages = {
        "en": "Only a failed processing can be retried; this one is {state}.",
        "ja": "再試行できるのは失敗した処理だけです。現在の状態は {state} です。",
    }


class NameTaken(Conflict):
    code = "NAME_TAKEN"
    messages = {
        "en": "{field} '{value}' is already in use. Choose another.",
        "ja": "{field}「{value}」はすでに使われています。別のものを選んでください。",
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
        "en": "{count} mechanisms are in this category. Move them first.",
        "ja": "このカテゴリーには {count} 件の機構があります。先に移してください。",
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
        "ja": "取り消せるのは終わっていないジョブだけです。現在の状態は {state} です。",
    }


class JobNotRetryable(Conflict):
    code = "JOB_NOT_RETRYABLE"
    messages = {
        "en": "Only a failed or cancelled job can be retried; this one is {state}.",
        "ja": "やり直せるのは失敗したジョブか取り消されたジョブだけです。現在の状態は {state} です。",
    }


class StaleVersion(Stale):
    code = "STALE_VERSION"
    messages = {
        "en": "It has changed since you read it. Read it again and repeat the change.",
        "ja": "読み取り後に変更されています。読み直してから、もう一度変更してください。",
    }


class VersionRequired(PreconditionRequired):
    code = "VERSION_REQUIRED"
    messages = {
        "en": "Say which version you change: send 'If-Match' with the ETag you read (or * to overwrite any).",
        "ja": "変更する版を指定してください。読み取った ETag を If-Match で送るか、* で任意の版を上書きします。",
    }


class FileTooLarge(TooLarge):
    code = "FILE_TOO_LARGE"
    messages = {
        "en": "The file is larger than this installation takes ({limit} bytes). Send a shorter or smaller clip.",
        "ja": "ファイルが上限（{limit} バイト）を超えています。短い、または小さいクリップを送ってください。",
    }


class BodyTooLarge(TooLarge):
    code = "BODY_TOO_LARGE"
    messages = {
        "en": "The request body is larger than {limit} bytes.",
        "ja": "リクエスト本文が {limit} バイトを超えています。",
    }


class UnsupportedFile(UnsupportedMedia):
    code = "UNSUPPORTED_FILE"
    messages = {
        "en": "mechshare does not accept this file. Send a GIF, APNG, WebP, MP4, WebM or MOV file.",
        "ja": "対応していないファイルです。GIF、APNG、WebP、MP4、WebM、MOV のいずれかを送ってください。",
    }


class UnsupportedContentType(UnsupportedMedia):
    code = "UNSUPPORTED_CONTENT_TYPE"
    messages = {
        "en": "Content-Type '{content_type}' is not accepted here; send {accepted}.",
        "ja": "Content-Type「{content_type}」は受け付けません。{accepted} で送ってください。",
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
        "en": "The {dependency} does not answer at present. Try again shortly; check first if your change was made.",
        "ja": "現在 {dependency} が応答しません。変更が反映されたかをご確認のうえ、しばらくしてからお試しください。",
    }


class SchemaOutdated(Unavailable):
    code = "SCHEMA_OUTDATED"
    messages = {
        "en": "The database's schema is at {found}, this program needs {newest}. Run 'mechshare migrate'.",
        "ja": "データベースのスキーマは {found} ですが、{newest} が必要です。mechshare migrate を実行してください。",
    }


class StorageFull(OutOfSpace):
    code = "STORAGE_FULL"
    messages = {
        "en": "The storage is full. Nothing was saved; try again later or tell the operator.",
        "ja": "保存領域がいっぱいです。何も保存されていません。後で試すか、運用者に連絡してください。",
    }

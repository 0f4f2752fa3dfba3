"""Refusals for lack of capacity: of the machine, or of one user's share of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from mechshare.domain.errors import TooMany, Unavailable


class Overloaded(Unavailable):
    code = "OVERLOADED"
    messages = {
        "en": "The server is overloaded. Try again shortly.",
        "ja": "現在サーバーが混み合っています。しばらくしてからもう一度お試しください。",
    }


class Busy(Unavailable):
    """Something was locked for too long. The dependency has responded, so this is not an outage."""

    code = "BUSY"
    messages = {
        "en": "Another request is changing this. Try again shortly.",
        "ja": "現在、他の処理がこのデータを変更しています。しばらくしてからもう一度お試しください。",
    }


class QueryTimedOut(Busy):
    """The database interrupted a statement that took too long. It has responded, so this is not an outage."""

    code = "QUERY_TIMED_OUT"
    messages = {
        "en": "The database took too long and was interrupted. Try again shortly.",
        "ja": "データベースの処理に時間がかかりすぎたため、中断しました。しばらくしてからもう一度お試しください。",
    }


class SearchTimedOut(Unavailable):
    code = "SEARCH_TIMED_OUT"
    messages = {
        "en": "The search took too long. Search for fewer or rarer words, or try again shortly.",
        "ja": "検索に時間がかかりすぎました。検索語を減らすか、しばらくしてからもう一度お試しください。",
    }


class TooManyUnfinishedClips(TooMany):
    """The user has as many unprocessed files as one user may have."""

    code = "TOO_MANY_UNFINISHED_CLIPS"
    messages = {
        "en": "{limit} of your files are still to be processed. Send the next one when one of them is "
        "finished, or try again in {retry_after} seconds.",
        "ja": "処理が終わっていないファイルが {limit} 件あります。いずれかの処理が終わってから、"
        "または {retry_after} 秒後にもう一度お試しください。",
    }


class ConcurrencyLimit:
    """Admits `limit` callers at a time, running or waiting; refuses all others at once.

    Without a bound on the queue, every caller would wait longer than clients do.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted = 0

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Counts the caller while the context is open. Raises Overloaded if the limit is reached."""
        if self._admitted >= self._limit:
            raise Overloaded()
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

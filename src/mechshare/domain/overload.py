"""Refusals for want of capacity: of the machine, or of what one user may take of it."""

from mechshare.domain.errors import Unavailable


class Overloaded(Unavailable):
    code = "OVERLOADED"
    messages = {
        "en": "The server has too much to do at present. Try again shortly.",
        "ja": "現在サーバーが混み合っています。しばらくしてからもう一度お試しください。",
    }


class Busy(Unavailable):
    """Something was locked for too long. Whoever raises it has had an answer: it is no sign of an outage."""

    code = "BUSY"
    messages = {
        "en": "This is being changed by others at present. Try again shortly.",
        "ja": "現在ほかの処理がこのデータを変更しています。しばらくしてからもう一度お試しください。",
    }


class SearchTimedOut(Unavailable):
    code = "SEARCH_TIMED_OUT"
    messages = {
        "en": "The search took too long. Search for fewer or rarer words, or try again shortly.",
        "ja": "検索に時間がかかりすぎました。語を減らすか、しばらくしてからもう一度お試しください。",
    }

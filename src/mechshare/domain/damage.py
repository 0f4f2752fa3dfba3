"""Errors of a database whose file was damaged or lost. Waiting does not help: the operator has to act."""

from mechshare.domain.errors import Unavailable


class DatabaseDamaged(Unavailable):
    """A part of the database is damaged and can't be read."""

    code = "DATABASE_DAMAGED"
    messages = {
        "en": "A part of the database is damaged. 'mechshare doctor' shows the operator the details.",
        "ja": "データベースの一部が破損しています。運用担当者は mechshare doctor で詳細を確認できます。",
    }


class DatabaseReplaced(Unavailable):
    """The file of the database is no longer the one that this process opened."""

    code = "DATABASE_REPLACED"
    messages = {
        "en": "The file of the database was deleted, replaced or emptied. The operator must put it back, or restore "
        "a backup and restart all servers and workers.",
        "ja": "データベースのファイルが削除または置換されたか、空になっています。運用担当者は、元のファイルに戻すか、"
        "バックアップから復元してすべてのサーバーとワーカーを再起動してください。",
    }

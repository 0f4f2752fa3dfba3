"""Schemas of the database and the releases that can use them."""

import re

from mechshare.domain.errors import Unavailable

_CONTRACTED = re.compile(r"_from_(\w+)\Z")


class SchemaMismatch(Unavailable):
    code = "SCHEMA_MISMATCH"
    messages = {
        "en": "The database has the schema of another release, which this program can't use. "
        "Install the newest release on every machine, then run 'mechshare migrate'.",
        "ja": "データベースのスキーマが別のリリースのもので、このプログラムでは使用できません。"
        "すべてのマシンに最新版を導入し、mechshare migrate を実行してください。",
    }


def can_use(program: str, revision: str) -> bool:
    """Whether a program whose newest revision is `program` can use the schema `revision` of a newer release."""
    return program >= oldest_program(revision)


def oldest_program(revision: str) -> str:
    """Returns the newest revision of the oldest programs that can use the schema `revision`; "" if all can.

    "0014_from_0012" is for programs from 0012 on.
    """
    named = _CONTRACTED.search(revision)
    return named[1] if named else ""

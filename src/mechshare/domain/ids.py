"""Identifiers. All but those of categories are a UUIDv7 in its 36-character lower-case form."""

import re
from typing import NewType

MechanismId = NewType("MechanismId", str)
UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
TokenId = NewType("TokenId", str)
"""The identifier of a personal access token."""
InvitationId = NewType("InvitationId", str)
JobId = NewType("JobId", str)
ReportId = NewType("ReportId", str)
UploadId = NewType("UploadId", str)
MotionSearchId = NewType("MotionSearchId", str)
AccountExportId = NewType("AccountExportId", str)
AttachmentId = NewType("AttachmentId", str)
GroupId = NewType("GroupId", str)
CategoryId = NewType("CategoryId", str)
"""The slug of a category (`planetary-gears`): people read and type it in filters and bodies."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")


def is_id(text: str) -> bool:
    """Whether `text` has the form of an identifier. Any other text needs no lookup."""
    return _UUID.match(text) is not None

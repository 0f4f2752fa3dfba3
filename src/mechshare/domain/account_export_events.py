"""Domain events of exports of accounts: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.account_exports import AccountExport
from mechshare.domain.audit import RequestMetadata


@dataclass(frozen=True, slots=True)
class AccountExportRequested:
    export: AccountExport
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class AccountExportEnded:
    """The export was deleted or replaced, so its file is no longer needed."""

    export: AccountExport
    request_id: str


AccountExportEvent = AccountExportRequested | AccountExportEnded

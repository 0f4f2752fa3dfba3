"""The download of an export of an account, which the API and the settings page share."""

from typing import Any

from litestar import Request, Response

from mechshare.entrypoints.http.protocol.auth import actor_of, application_of
from mechshare.entrypoints.http.protocol.served_files import served_file
from mechshare.services.media import StoredMedia

_CACHE = "private, no-store"


async def served_export(request: Request[Any, Any, Any]) -> Response[Any]:
    """Returns the zip of the caller, or the range of it that the request asks for.

    Raises AccountExportNotFound, AccountExportNotReady, RangeNotSatisfiable, MediaNotFound.
    """
    export = await application_of(request).account_exports.find_ready(actor_of(request))
    stored = StoredMedia(
        key=export.key,
        size=export.size,
        created_at=export.created_at,
        is_public=False,
        download_name=f"mechshare-{export.created_at:%Y-%m-%d}.zip",
        known_type="application/zip",
    )
    return await served_file(request, stored, _CACHE)

"""The addresses of the thumbnails of attachments."""

from collections.abc import Sequence

from mechshare.domain.attachments import Attachment
from mechshare.domain.blobs import blob_url
from mechshare.domain.ids import AttachmentId
from mechshare.domain.mechanisms import Mechanism
from mechshare.entrypoints.http.representations.mechanisms import MediaAddresses


def thumbnail_urls(
    mechanism: Mechanism, attachments: Sequence[Attachment], addresses: MediaAddresses
) -> dict[AttachmentId, str | None]:
    """Returns the addresses of the thumbnails for callers who see the mechanism; None where there is none."""
    return {
        one.id: addresses.of(
            blob_url(one.thumbnail_key) if one.thumbnail_key else None,
            is_public=mechanism.is_open,
            is_withdrawn=mechanism.withdrawn_reason is not None,
        )
        for one in attachments
    }

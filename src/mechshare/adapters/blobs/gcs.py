"""A bucket of Google Cloud Storage."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import GCSStore

from mechshare.adapters.blobs.bucket_url import BucketUrl
from mechshare.adapters.blobs.object_storage import NO_RETRIES, ObjectBlobStore, client_options
from mechshare.domain.blobs import content_type_of

if TYPE_CHECKING:  # this name exists for type checkers only
    from obstore.store import GCSConfig


def gcs_blob_store(url: str, *, service_account_key: str = "") -> ObjectBlobStore:
    """Returns the store at `gs://BUCKET/PREFIX`; with `?redirect=presigned` clients watch from the bucket directly.

    `service_account_key` is the JSON of a service account. Without it, the credentials are those of the environment
    (GOOGLE_APPLICATION_CREDENTIALS) or of the machine. Raises ValueError for an incomplete URL or an invalid key.
    """
    place = BucketUrl(url)
    config: GCSConfig = {"service_account_key": service_account_key} if service_account_key else {}
    try:
        store = GCSStore(
            place.bucket,
            prefix=place.prefix or None,
            config=config,
            client_options=client_options(),
            retry_config=NO_RETRIES,
        )
    except BaseError:
        # Its message may contain a part of the key.
        key = "the file that GOOGLE_APPLICATION_CREDENTIALS names"
        if service_account_key:
            key = "MECHSHARE_BLOBS_SERVICE_ACCOUNT_KEY"
        raise ValueError(f"{key} is not the JSON of a service account") from None
    return ObjectBlobStore(store, GcsBucket(store, place))


class GcsBucket:
    def __init__(self, store: GCSStore, place: BucketUrl) -> None:
        self._store = store
        self._place = place

    async def prepare(self) -> None:
        """Raises if the bucket does not exist: creating one needs rights in a project, which a key rarely has."""
        async for _ in obstore.list(self._store, chunk_size=1):
            return

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        """Returns None for a download under another name or type, which obstore cannot sign."""
        if not self._place.hands_out_links or disposition != "inline" or content_type != content_type_of(key):
            return None
        return await obstore.sign_async(self._store, "GET", key, lifetime)

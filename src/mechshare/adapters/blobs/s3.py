"""A bucket of Amazon S3, or of a server that speaks its protocol."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import Session
from obstore.store import S3Store

from mechshare.adapters.blobs.bucket_url import BucketUrl
from mechshare.adapters.blobs.object_storage import NO_RETRIES, ObjectBlobStore, client_options

if TYPE_CHECKING:  # these names exist for type checkers only
    from obstore.store import S3Config, S3Credential

_ABANDONED = timedelta(days=1)
"""The age at which an unfinished upload is taken for one whose process died."""
_CREDENTIALS_LIFETIME = timedelta(minutes=5)
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(?:/[^?#\s]*)?")
_REGION = re.compile(r"[a-z0-9-]+")
_log = structlog.get_logger("mechshare.blobs")


def s3_blob_store(
    url: str,
    *,
    endpoint: str = "",
    region: str = "",
    access_key_id: str = "",
    secret_access_key: str = "",
    session_token: str = "",
) -> ObjectBlobStore:
    """Returns the store at `s3://BUCKET/PREFIX`; with `?redirect=presigned` clients download from S3 directly.

    Without an access key, the credentials are those of the environment (AWS_ACCESS_KEY_ID), a profile or the machine's
    role. Raises ValueError for an incomplete URL or key, an invalid endpoint and an invalid region.
    """
    place = BucketUrl(url)
    if bool(access_key_id) != bool(secret_access_key):
        raise ValueError(
            "MECHSHARE_BLOBS_ACCESS_KEY_ID and MECHSHARE_BLOBS_SECRET_ACCESS_KEY go together; one is missing"
        )
    if endpoint and not _ENDPOINT.fullmatch(endpoint):
        raise ValueError("MECHSHARE_BLOBS_ENDPOINT must be an address such as https://minio.example.com:9000")
    if region and not _REGION.fullmatch(region):
        raise ValueError("MECHSHARE_BLOBS_REGION must be the name of a region, such as eu-central-1")
    # Two sessions, because one is not safe in two threads; obstore calls its own.
    sessions = Session(), Session()
    for session in sessions if access_key_id else ():
        session.set_credentials(access_key_id, secret_access_key, session_token or None)
    region = region or sessions[0].get_config_variable("region") or ""
    store = S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config=_config(endpoint, region),
        client_options=client_options(endpoint),
        retry_config=NO_RETRIES,
        credential_provider=_Credentials(sessions[0]),
    )
    return ObjectBlobStore(store, S3Bucket(sessions[1], store, place))


def _config(endpoint: str, region: str) -> S3Config:
    config: S3Config = {"disable_bulk_delete": True}  # not every server has bulk deletion
    if endpoint:
        config["endpoint"] = endpoint
    if region:
        config["region"] = region
    return config


class S3Bucket:
    """Creates the bucket, ends abandoned uploads and signs links, which obstore does not do."""

    def __init__(self, session: Session, store: S3Store, place: BucketUrl) -> None:
        self._session = session
        self._store = store
        self._place = place
        self._creation = Lock()

    async def prepare(self) -> None:
        await asyncio.to_thread(self._prepare)

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        if not self._place.hands_out_links:
            return None
        named = {"ResponseContentType": content_type, "ResponseContentDisposition": disposition}
        wanted = {"Bucket": self._place.bucket, "Key": self._place.object_key(key), **named}
        return await asyncio.to_thread(self._sign, wanted, int(lifetime.total_seconds()))

    def _sign(self, wanted: Mapping[str, str], seconds: int) -> str:
        return str(self._client.generate_presigned_url("get_object", wanted, seconds))

    def _prepare(self) -> None:
        if not self._exists():
            where = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
            options = {"CreateBucketConfiguration": where} if where else {}
            self._client.create_bucket(Bucket=self._place.bucket, **options)
        try:
            self._end_abandoned_uploads()
        except (BotoCoreError, ClientError) as problem:
            # A key may be allowed to read and write objects and nothing else.
            _log.warning("abandoned_uploads_not_ended", problem=str(problem))

    def _exists(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self._place.bucket)
        except ClientError as problem:
            status = problem.response["ResponseMetadata"]["HTTPStatusCode"]
            if status != 403:
                if status == 404:
                    return False
                raise
        return True

    def _end_abandoned_uploads(self) -> None:
        pages = self._client.get_paginator("list_multipart_uploads")
        oldest = datetime.now(UTC) - _ABANDONED
        for page in pages.paginate(Bucket=self._place.bucket, Prefix=self._place.object_key("")):
            for upload in page.get("Uploads", ()):
                if upload["Initiated"] < oldest:
                    self._client.abort_multipart_upload(
                        Bucket=self._place.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )

    @property
    def _region(self) -> str:
        return str(self._store.config.get("region", "us-east-1"))

    @property
    def _client(self) -> Any:
        """Clients are safe in several threads; their creation is not, and takes a while."""
        with self._creation:
            return self._created_client

    @cached_property
    def _created_client(self) -> Any:
        endpoint = self._store.config.get("endpoint")
        return self._session.create_client(
            "s3",
            region_name=self._region,
            endpoint_url=endpoint,
            config=Config(
                signature_version="s3v4",
                connect_timeout=2,
                read_timeout=10,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )


class _Credentials:
    """Gives obstore the credentials of `session`, which may read them from the machine's metadata service.

    obstore calls it in a thread of its own, where no event loop runs.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self) -> S3Credential:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError()
        frozen = credentials.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + _CREDENTIALS_LIFETIME,
        }

"""The URL of a bucket: `s3://BUCKET/PREFIX?redirect=presigned`."""

import re
from urllib.parse import parse_qs, urlsplit

from mechshare.domain.blobs import is_blob_key

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]+")


class BucketUrl:
    """Raises ValueError for a URL without a bucket, with credentials, or with an unknown part."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
        except ValueError:
            # Its message may contain a part of the URL.
            raise ValueError("it is not the URL of a bucket, such as s3://BUCKET/PREFIX") from None
        scheme = parts.scheme
        if "@" in parts.netloc:
            raise ValueError("a URL of a bucket has no credentials; they are options, MECHSHARE_BLOBS_...")
        self.bucket = parts.netloc
        self.prefix = parts.path.strip("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        self.hands_out_links = query == {"redirect": ["presigned"]}
        if not self.bucket:
            raise ValueError(f"the bucket is missing: {scheme}://BUCKET or {scheme}://BUCKET/PREFIX")
        if not _BUCKET.fullmatch(self.bucket):
            raise ValueError("the name of a bucket has letters, digits and - _ . only")
        if self.prefix and not is_blob_key(self.prefix):
            raise ValueError(
                f"a prefix has lower-case letters, digits and - _ . / only: {scheme}://BUCKET/PREFIX"
            )
        if (query and not self.hands_out_links) or parts.fragment:
            raise ValueError(f"the only option in the URL is redirect: {scheme}://BUCKET?redirect=presigned")

    def object_key(self, key: str) -> str:
        """Returns the name of the blob `key` in the bucket."""
        return f"{self.prefix}/{key}" if self.prefix else key

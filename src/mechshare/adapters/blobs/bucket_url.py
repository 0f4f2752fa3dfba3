"""The URL of a bucket: `s3://BUCKET/PREFIX?redirect=presigned`."""

from urllib.parse import parse_qs, urlsplit

from mechshare.domain.blobs import is_blob_key


class BucketUrl:
    """Raises ValueError for a URL without a bucket, with credentials, or with an unknown part."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        scheme = parts.scheme
        if "@" in parts.netloc:
            raise ValueError("a URL of a bucket has no credentials; they are options, MECHSHARE_BLOBS_...")
        self.bucket = parts.netloc
        self.prefix = parts.path.strip("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        self.hands_out_links = query == {"redirect": ["presigned"]}
        if not self.bucket:
            raise ValueError(f"the bucket is missing: {scheme}://BUCKET or {scheme}://BUCKET/PREFIX")
        if self.prefix and not is_blob_key(self.prefix):
            raise ValueError(
                f"a prefix has lower-case letters, digits and - _ . / only: {scheme}://BUCKET/PREFIX"
            )
        if (query and not self.hands_out_links) or parts.fragment:
            raise ValueError(f"the only option in the URL is redirect: {scheme}://BUCKET?redirect=presigned")

    def object_key(self, key: str) -> str:
        """Returns the name of the blob `key` in the bucket."""
        return f"{self.prefix}/{key}" if self.prefix else key

"""What every database promises of references to stored files."""

from mechshare.testing.persistence.blob_references import *  # noqa: F403

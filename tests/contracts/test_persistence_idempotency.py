"""What every database promises of the responses to requests that take effect once."""

from mechshare.testing.persistence.idempotency import *  # noqa: F403

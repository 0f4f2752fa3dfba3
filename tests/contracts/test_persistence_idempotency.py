"""What every database promises of receipts and the audit log."""

from mechshare.testing.persistence.idempotency import *  # noqa: F403

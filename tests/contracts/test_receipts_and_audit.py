"""What every database promises of receipts and the audit log."""

from mechshare.testing.receipts_and_audit import *  # noqa: F403

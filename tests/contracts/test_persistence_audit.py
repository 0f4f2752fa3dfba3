"""What every database promises of the audit log."""

from mechshare.testing.persistence.audit import *  # noqa: F403

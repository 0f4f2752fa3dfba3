"""What every database promises of jobs."""

from mechshare.testing.job_ledger import *  # noqa: F403

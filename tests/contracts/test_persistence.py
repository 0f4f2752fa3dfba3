"""The contract suites of databases, one per repository, over every adapter."""

from mechshare.testing.persistence.attachments import *  # noqa: F403
from mechshare.testing.persistence.audit import *  # noqa: F403
from mechshare.testing.persistence.blob_references import *  # noqa: F403
from mechshare.testing.persistence.categories import *  # noqa: F403
from mechshare.testing.persistence.comments import *  # noqa: F403
from mechshare.testing.persistence.database import *  # noqa: F403
from mechshare.testing.persistence.evidence import *  # noqa: F403
from mechshare.testing.persistence.groups import *  # noqa: F403
from mechshare.testing.persistence.idempotency import *  # noqa: F403
from mechshare.testing.persistence.invitations import *  # noqa: F403
from mechshare.testing.persistence.jobs import *  # noqa: F403
from mechshare.testing.persistence.lineage import *  # noqa: F403
from mechshare.testing.persistence.marks import *  # noqa: F403
from mechshare.testing.persistence.mechanisms import *  # noqa: F403
from mechshare.testing.persistence.motion_searches import *  # noqa: F403
from mechshare.testing.persistence.motions import *  # noqa: F403
from mechshare.testing.persistence.pages import *  # noqa: F403
from mechshare.testing.persistence.personal_access_tokens import *  # noqa: F403
from mechshare.testing.persistence.reliability import *  # noqa: F403
from mechshare.testing.persistence.reports import *  # noqa: F403
from mechshare.testing.persistence.revisions import *  # noqa: F403
from mechshare.testing.persistence.sessions import *  # noqa: F403
from mechshare.testing.persistence.shares import *  # noqa: F403
from mechshare.testing.persistence.storage_quotas import *  # noqa: F403
from mechshare.testing.persistence.uploads import *  # noqa: F403
from mechshare.testing.persistence.users import *  # noqa: F403

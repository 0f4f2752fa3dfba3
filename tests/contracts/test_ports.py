"""The contract suites of the small ports, over every adapter."""

from mechshare.testing.backups import *  # noqa: F403
from mechshare.testing.blobs import *  # noqa: F403
from mechshare.testing.cache import *  # noqa: F403
from mechshare.testing.clock import *  # noqa: F403
from mechshare.testing.disks import *  # noqa: F403
from mechshare.testing.doorbell import *  # noqa: F403
from mechshare.testing.ids import *  # noqa: F403
from mechshare.testing.media import *  # noqa: F403
from mechshare.testing.motion import *  # noqa: F403
from mechshare.testing.motion_index import *  # noqa: F403
from mechshare.testing.passwords import *  # noqa: F403
from mechshare.testing.rate_limits import *  # noqa: F403
from mechshare.testing.recent_views import *  # noqa: F403
from mechshare.testing.scratch import *  # noqa: F403
from mechshare.testing.tokens import *  # noqa: F403
from mechshare.testing.uploads import *  # noqa: F403
from mechshare.testing.webhooks import *  # noqa: F403

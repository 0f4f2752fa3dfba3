"""So that a failure in the kit shows the values that were compared."""

import pytest

pytest.register_assert_rewrite("mechshare.testing")

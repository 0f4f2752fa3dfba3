"""Enables detailed assertion messages in the contract suite."""

import pytest

pytest.register_assert_rewrite("mechshare.testing")

"""The HTTP contract of the service, through Serve's proxy: the tests of ``tests/e2e``, as they are.

They ask the ``client`` of this folder.
"""

from __future__ import annotations

import pytest

from tests.e2e.test_contract import *  # noqa: F403 - all of its tests, those to come too

pytestmark = pytest.mark.slow

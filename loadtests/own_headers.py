"""What every call to a service carries: the user's API key, where there is one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from app.keys.own_key import own_key


def own_headers(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the headers with the key of ``XCOPA_API_KEY``; none without one.

    Raises:
        StartError: what is there cannot be a key.
    """
    key = own_key(None, environ)
    return {} if key is None else {"Authorization": f"Bearer {key}"}

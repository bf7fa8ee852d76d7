"""The service with engines that answer at once, and a line of the log a request.

    BENCH_LOG=FILE uvicorn loadtests.bench.logged_server:service

The log goes to that file. Of what the command ``xcopa serve`` sets up, only the log is here.
"""

from __future__ import annotations

import os
import sys

from app.telemetry import logs
from loadtests.bench.null_server import service as null_service

FILE = "BENCH_LOG"

_TO_FILE = os.open(os.environ[FILE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.dup2(_TO_FILE, sys.stderr.fileno())
logs.configure("info", "json", service=True)
service = null_service

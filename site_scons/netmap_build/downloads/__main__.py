# SPDX-License-Identifier: BSD-2-Clause
"""The process that fetch_apart starts; nobody types this."""

from __future__ import annotations

import sys

from .apart import main

sys.exit(main(int(sys.argv[1]), sys.stdin.read()))

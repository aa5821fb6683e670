# SPDX-License-Identifier: BSD-2-Clause
"""The build's logic: plain typed Python that imports no SCons."""

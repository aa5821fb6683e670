# SPDX-License-Identifier: BSD-2-Clause
"""Downloads: pinned files from mirrors, cached by their content, and unpacked safely.

    driver = Download("ixgbe-5.20.3.tar.gz", ("https://.../a.tar.gz", "https://.../b.tar.gz"),
                      sha256="...", size=1_234_567)
    path = fetch([driver], cache_root=cache.root(), offline=False)["ixgbe-5.20.3.tar.gz"]
    unpack(path, folder, strip=1)

**Nothing is believed but the pin.** A mirror may be old, hacked, or an error page; a file counts
when its hash is the pinned one. `sha256` pins the bytes. `tree_sha256` pins what an archive
unpacks to, for hosts that pack it anew on each request with another gzip: tree_hash.py defines it.
Because the pin decides, mirrors may be plain http, and are simply tried in order.

**A name in the cache means complete.** What was received lies in partial/, and moves under its
hash after the check, in one step. An entry is hashed again whenever it is used; a damaged one is
fetched again. Ctrl-C and kill leave the partial file. The next run goes on with it, if the server
proves by ETag or date that it still has the same file; otherwise, and after a wrong hash, it
starts from nothing. A full disk gets the bytes of the partial file back.

**Failures.** A mirror that is dead, wrong or too slow costs one line, and the next one is asked.
What may pass (busy, time-out, cut) is tried again when every mirror was asked, after a pause that
the server may name, within bounds. One download that fails stops no other; at the end one error
names each with every mirror and its reason.

**Who waits for whom.** A lock for each pin: of two processes that want one thing one fetches it,
different things never wait. Ctrl-C, also where SCons hears it first (interrupts.py), ends the
waiting at once; the workers are daemon threads, and a slow server holds nobody up.

**Archives are hostile** until they are unpacked: tree.py holds the rules, unpacking.py makes all
of the folder or nothing.

requests and rich are imported when something is downloaded: a build that has all it needs pays
for neither.
"""

from __future__ import annotations

from .archive import Limits
from .item import Download
from .plan import cached, fetch
from .progress import Report
from .store import Store
from .transfer import Patience
from .tree_hash import tree_sha256
from .unpacking import unpack

__all__ = [
    "Download",
    "Limits",
    "Patience",
    "Report",
    "Store",
    "cached",
    "fetch",
    "tree_sha256",
    "unpack",
]

"""The first import of the process that workers are forked from: that process ends once the one that began it is gone.

Left to itself it would notice when all its other imports are done, which takes seconds on a busy machine. Workers
take no timer over; they follow their parent in a way of their own.
"""

from __future__ import annotations

import os
import signal
from typing import Final

PARENT: Final = int(os.environ.get("BLOCS_PARENT", os.getppid()))  # it may be gone by now
SECONDS: Final = 0.25  # from one look to the next


def end_if_orphaned(*_: object) -> None:
    """End at once where the parent is another one by now."""
    if os.getppid() != PARENT:
        os._exit(1)


end_if_orphaned()
signal.signal(signal.SIGALRM, end_if_orphaned)
signal.siginterrupt(signal.SIGALRM, False)  # no call of a library that is being imported ends short for it
signal.setitimer(signal.ITIMER_REAL, SECONDS, SECONDS)

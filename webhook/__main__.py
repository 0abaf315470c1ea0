"""``python -m webhook`` is the same as ``source-ip-webhook``."""

import os
import signal
import sys

if __name__ == "__main__":
    if os.getpid() == 1:
        # Of a container. Linux ends the first process of a PID namespace by no signal that it has
        # no handler for: a replica that is told to stop while it still imports would stay until it
        # is killed, after its grace period. ``serve`` replaces this as soon as it can drain.
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))

    from webhook.cli import main

    main()

"""How the commands end."""

import contextlib
import signal
import subprocess
import sys


@contextlib.contextmanager
def ending(command):
    """Ends the process with a line where its work cannot go on; whatever the reason, what it started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{command}: {' '.join(map(str, error.cmd))} failed")
    except (OSError, RuntimeError) as error:
        sys.exit(f"{command}: {error}")

"""Run a command, and kill it with all that it started once standard input ends: when whoever asked for it is gone.

Run by its path, in a process of its own: it imports nothing of the package.
"""

import os
import signal
import subprocess
import sys
import threading

_NOT_STARTED = 127  # as a shell has it


def main() -> int:
    """Run the command that is given on the command line; its exit status."""
    try:
        process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{sys.argv[1]} does not start ({error.strerror})")
        return _NOT_STARTED
    threading.Thread(target=_end_with_the_asker, args=(process,), daemon=True).start()
    return process.wait()


def _end_with_the_asker(process: "subprocess.Popen[bytes]") -> None:
    os.read(sys.stdin.fileno(), 1)  # not by sys.stdin, whose lock a daemon thread would still hold at the end
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


if __name__ == "__main__":
    sys.exit(main())

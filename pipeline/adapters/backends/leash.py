"""Keeps a program on a leash. `Child` runs this file by itself, as the parent of the program and the head of its process group.

The leash is a pipe. Whoever wanted the program holds its other end, and the system lets go of it when that process dies, in
whatever way. Then the whole group is killed: a program that outlived its engine could make what the next engine makes again.

Arguments: the descriptor of the leash, one to write the number of an error to when the program cannot be started, the program,
its arguments. It ends with the exit code of the program, or by the same signal. Little is imported, for it starts every time.
"""

import _thread
import os
import resource
import signal
import sys

_UNHEARD = (signal.SIGPIPE, signal.SIGXFSZ)
"""What Python ignores, and with it every program that it starts, unless it is told otherwise."""


def _main(leash: int, trouble: int, arguments: list[str]) -> None:
    os.set_inheritable(leash, False)
    os.set_inheritable(trouble, False)
    program = os.fork()
    if program == 0:
        _become(arguments, trouble)
    # The group is asked to stop as a whole. This one waits for the program, and still has to hold the leash.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _thread.start_new_thread(_hold, (leash,))
    for descriptor in (0, 1, 2, trouble):
        os.close(descriptor)
    _, status = os.waitpid(program, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _die_by(-code)
    os._exit(code)


def _die_by(number: int) -> None:
    """As the program did, but its core is enough."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _become(arguments: list[str], trouble: int) -> None:
    """Be the program from now on."""
    for number in _UNHEARD:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(arguments[0], arguments)
    except OSError as error:
        os.write(trouble, str(error.errno).encode())
    os._exit(127)


def _hold(leash: int) -> None:
    """Until it is let go of."""
    os.read(leash, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])

"""Runs a command with a terminal as its standard input and controlling terminal, and as if under
a PID 1 that reaps at once: orphans of the tests come here (PR_SET_CHILD_SUBREAPER, prctl(2)), and
what is left when the command ends, or when SIGTERM comes, is killed.

Usage: subreaper.py [--stdout] COMMAND [ARGUMENT…]        ends with the command's exit code, or 128 + its signal
       --stdout: the terminal is the command's standard output too, and what is written to it is printed
"""
import ctypes
import fcntl
import os
import pty
import select
import signal
import sys
import termios
import time

PR_SET_CHILD_SUBREAPER = 36
# What was killed and does not go (a frozen cgroup, a dead disk) is left after this many seconds.
PATIENCE = 5


def start(argv, terminal, other_end, stdout):
    pid = os.fork()
    if pid:
        os.close(terminal)
        return pid
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    os.dup2(terminal, 0)
    if stdout:
        os.dup2(terminal, 1)
    os.close(other_end)
    if terminal > 2:
        os.close(terminal)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.execvp(argv[0], argv)


def reap():
    """The wait statuses of all children that have ended, by pid."""
    ended = {}
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = status
    except ChildProcessError:
        pass
    return ended


def children():
    with open('/proc/self/task/%d/children' % os.getpid()) as f:
        return [int(word) for word in f.read().split()]


def kill_rest():
    """Killing a process gives its children to this one, so it takes a few rounds."""
    end = time.monotonic() + PATIENCE
    while children() and time.monotonic() < end:
        for pid in children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
        reap()


def take(master, stdout):
    """Reads what was written to the terminal: a full one would stop the writer. False when all others have closed it."""
    try:
        text = os.read(master, 65536)
    except OSError:
        return False
    if stdout:
        os.write(1, text)
    return True


def main(argv):
    stdout = argv[0] == '--stdout'
    if stdout:
        argv = argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told = {'stop': False}
    awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: told.update(stop=True))
    master, terminal = pty.openpty()
    # A new line is a new line: no carriage return before it.
    attributes = termios.tcgetattr(terminal)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    pid = start(argv, terminal, master, stdout)
    status = None
    watched = [awake, master]
    while status is None and not told['stop']:
        ready, _, _ = select.select(watched, [], [])
        if awake in ready:
            os.read(awake, 4096)
            status = reap().get(pid)
        if master in ready and not take(master, stdout):
            watched.remove(master)
    kill_rest()
    while select.select([master], [], [], 0)[0] and take(master, stdout):
        pass
    if status is None:
        return 128 + signal.SIGTERM
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


sys.exit(main(sys.argv[1:]))

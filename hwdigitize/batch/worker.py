"""The far end of a worker process: take a call, make it, send back what came of it.

Started by :class:`hwdigitize.batch.executors.IsolatedExecutor`, one process a worker, never by
hand. The process holds its memory limit itself, where the kernel can refuse an allocation at
once, dies with its parent, and leaves Ctrl-C to it.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any

READY = b"ready"
_PR_SET_PDEATHSIG = 1


def main(descriptor: int, parent: int, megabytes: int) -> None:
    """Serve calls from the pipe ``descriptor`` until it closes.

    Args:
        descriptor: file descriptor of this end of the pipe.
        parent: process id of the starter, to notice one that is dead already.
        megabytes: most private memory of this process and of each program it starts.
    """
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_inheritable(descriptor, False)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = megabytes * 1_000_000
    if most == resource.RLIM_INFINITY or limit < most:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    connection = Connection(descriptor)
    connection.send_bytes(READY)
    _silence_native_warnings()
    try:
        while True:
            connection.send_bytes(_answer(connection.recv_bytes()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is done with us


def _answer(message: bytes) -> bytes:
    """Make the pickled call; the answer is a pickled pair of whether it went well, and what."""
    try:
        call, args = pickle.loads(message)
        return pickle.dumps((True, call(*args)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # a future hands on whatever its call raised
        return _failure(error)


def _failure(error: Exception) -> bytes:
    answer: tuple[bool, Any] = (False, error)
    try:
        data = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        pickle.loads(data)  # some exceptions pickle but do not come back
        return data
    except Exception:  # its own pickling may raise anything
        text = "".join(traceback.format_exception(error))
        return pickle.dumps((False, RuntimeError(text)))


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process with its parent, so that no killed run leaves any."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit


def _silence_native_warnings() -> None:
    """Libraries for damaged files complain on standard error; the record says it too."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)

"""Threads, one after another.

A sandbox has one thread of control and no way to put a running Python frame
aside. So a started thread waits until somebody waits: for it (`join`), for a
lock, a queue, an event, a future; or until the program ends. Then it runs on
top of the one that waits, from its first line to its last. Every order that
comes of this is one that CPython could have taken too.

What this cannot do is go back to a thread that lies beneath another. A wait
that only such a thread could end would never end: it is an error, at once.
A daemon thread is ended there instead, silently, as CPython ends it at exit.

`_thread` is replaced before anything imports it; `threading`, `queue` and
`concurrent.futures` are CPython's own. Nothing is preempted, so a lock is a flag.
"""

import _queue
import _thread
import sys
import time
from collections import deque

WOULD_WAIT = (
    "would wait for ever: in a sandbox threads run one after another, "
    "and no thread that could end this wait can run now"
)
# Who only sleeps or asks `is_alive` does not wait, but who does nothing else waits after all.
POLLS_MAX = 20

_main = _current = _thread.get_ident()
_daemons = set()  # idents of daemon threads that have not ended
_last = 0
_polls = 0
_pending = deque()  # what was started and has not run: each has `run()` and `daemon`
_tasks = None  # `_asyncio`, which knows one running loop for each thread, and so here for all
_sleep = time.sleep


# --- The order in which threads run ---


def wait_until(ready, timeout=None):
    """Run other threads until `ready()`; False when the time is over."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while not ready():
        if deadline is not None and time.monotonic() >= deadline:
            return False
        if run_one():
            continue
        if deadline is None:
            if _current in _daemons:
                raise SystemExit(WOULD_WAIT)
            raise RuntimeError(WOULD_WAIT)
        _sleep(max(0, deadline - time.monotonic()))
    return True


def run_one():
    """Run what has waited longest; False if nothing can run."""
    for turn in _pending:
        if turn.can_run():
            _pending.remove(turn)
            turn.run()
            return True
    return False


def push(turn):
    _pending.append(turn)


def has_calls(pool):
    return any(getattr(turn, "pool", None) is pool for turn in _pending)


def run_as(ident, function, *args, **kwargs):
    """Call as the thread `ident`; then be again who we were."""
    global _current, _polls
    _polls = 0
    before, _current = _current, ident
    loop = _tasks._get_running_loop()
    if loop is not None:
        task = _tasks._swap_current_task(loop, None)
        _tasks._set_running_loop(None)
    try:
        return function(*args, **kwargs)
    finally:
        _current = before
        if loop is not None:
            _tasks._set_running_loop(loop)
            _tasks._swap_current_task(loop, task)


def new_ident():
    global _last
    _last += 1
    return _main + 64 * _last


def _poll():
    global _polls
    # Only the main thread: who sleeps on top of others may hold a lock that they need.
    if _pending and _current == _main:
        _polls += 1
        if _polls >= POLLS_MAX:
            while run_one():
                pass


def run_all():
    """What is not a daemon is waited for at the end of the program."""
    while turn := next((turn for turn in _pending if not turn.daemon and turn.can_run()), None):
        _pending.remove(turn)
        turn.run()


def sleep(seconds, /):
    _sleep(seconds)
    _poll()


# --- `_thread` ---


class Turn:
    """A thread that was started and has not run."""

    def __init__(self, handle, daemon, function, args, kwargs):
        self.handle, self.daemon = handle, daemon
        self.call = (function, *args), kwargs
        if daemon:
            _daemons.add(handle.ident)

    def can_run(self):
        return True

    def run(self):
        self.handle.turn = None
        args, kwargs = self.call
        try:
            run_as(self.handle.ident, *args, **kwargs)
        finally:
            _daemons.discard(self.handle.ident)
            self.handle._set_done()


class _ThreadHandle:
    def __init__(self):
        self.ident, self.turn, self._done = 0, None, False

    def is_done(self):
        if not self._done:
            _poll()
        return self._done

    def _set_done(self):
        self._done = True

    def join(self, timeout=None):
        if not self.ident:
            raise RuntimeError("thread not started")
        if self.ident == _current and not self._done:
            raise RuntimeError("Cannot join current thread")
        timeout = None if timeout is None or timeout < 0 else timeout
        if timeout == 0:
            return _poll()
        if self.turn is not None:
            _pending.remove(self.turn)
            self.turn.run()
        wait_until(lambda: self._done, timeout)

    def __repr__(self):
        return f"<_thread._ThreadHandle object: ident={self.ident}>"


def _make_thread_handle(ident):
    handle = _ThreadHandle()
    handle.ident = ident
    return handle


def start_joinable_thread(function, handle=None, daemon=True):
    handle = _ThreadHandle() if handle is None else handle
    if handle.ident:
        raise RuntimeError("thread already started")
    handle.ident = new_ident()
    handle.turn = Turn(handle, daemon, function, (), {})
    # `Thread.start` waits for the thread to say that it began: say it here.
    thread = getattr(function, "__self__", None)
    if hasattr(thread, "_started"):
        thread._ident = thread._native_id = handle.ident
        thread._started.set()
    push(handle.turn)
    return handle


def start_new_thread(function, args, kwargs={}, /):
    if not callable(function):
        raise TypeError("first arg must be callable")
    if not isinstance(args, tuple):
        raise TypeError("2nd arg must be a tuple")
    handle = _make_thread_handle(new_ident())
    push(Turn(handle, True, _reported, (function, args), kwargs))
    return handle.ident


def _reported(function, args, **kwargs):
    try:
        function(*args, **kwargs)
    except SystemExit:
        pass
    except BaseException:
        print(f"Exception ignored in thread started by {function!r}:", file=sys.stderr)
        sys.excepthook(*sys.exc_info())


def get_ident():
    return _current


def _count():
    return len({_current} | _daemons | {turn.handle.ident for turn in _pending if isinstance(turn, Turn)}) - 1


def set_name(name):
    pass


class lock:
    __slots__ = ("_held", "__weakref__")

    def __init__(self):
        self._held = False

    def acquire(self, blocking=True, timeout=-1):
        if self._held and not (_may_wait(blocking, timeout) and self._wait(timeout)):
            return False
        self._held = True
        return True

    def _wait(self, timeout):
        return wait_until(lambda: not self._held, None if timeout == -1 else timeout)

    def release(self):
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self):
        return self._held

    def __enter__(self):
        if self._held:
            self._wait(-1)
        self._held = True
        return True

    def __exit__(self, *exception):
        self.release()

    acquire_lock, release_lock, locked_lock = acquire, release, locked

    def _at_fork_reinit(self):
        self._held = False

    def __reduce__(self):
        raise TypeError(f"cannot pickle '_thread.{type(self).__name__}' object")

    def __repr__(self):
        return f"<{'locked' if self._held else 'unlocked'} _thread.lock object at {id(self):#x}>"


class RLock:
    __slots__ = ("_owner", "_depth", "__weakref__")

    def __init__(self):
        self._owner, self._depth = 0, 0

    def acquire(self, blocking=True, timeout=-1):
        if self._owner == _current:
            self._depth += 1
            return True
        if self._owner and not (_may_wait(blocking, timeout) and self._wait(timeout)):
            return False
        self._owner, self._depth = _current, 1
        return True

    __enter__ = acquire

    def _wait(self, timeout):
        return wait_until(lambda: not self._owner, None if timeout == -1 else timeout)

    def release(self):
        if self._owner != _current:
            raise RuntimeError("cannot release un-acquired lock")
        self._depth -= 1
        if not self._depth:
            self._owner = 0

    def __exit__(self, *exception):
        self.release()

    def locked(self):
        return self._owner != 0

    def _is_owned(self):
        return self._owner == _current

    def _release_save(self):
        if not self._owner:
            raise RuntimeError("cannot release un-acquired lock")
        state = self._depth, self._owner
        self._owner, self._depth = 0, 0
        return state

    def _acquire_restore(self, state):
        if self._owner:
            self._wait(-1)
        self._depth, self._owner = state

    def _recursion_count(self):
        return self._depth if self._owner == _current else 0

    def _at_fork_reinit(self):
        self._owner, self._depth = 0, 0

    __reduce__ = lock.__reduce__

    def __repr__(self):
        state = "locked" if self._owner else "unlocked"
        kind = f"{type(self).__module__}.{type(self).__qualname__}"
        return f"<{state} {kind} object owner={self._owner} count={self._depth} at {id(self):#x}>"


def _may_wait(blocking, timeout):
    if not blocking:
        if timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return False
    if timeout < 0 and timeout != -1:
        raise ValueError("timeout value must be a non-negative number")
    if timeout > _thread.TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    return True


class SimpleQueue:
    """`_queue.SimpleQueue`: the C type would wait inside C."""

    def __init__(self):
        self._items = deque()

    def put(self, item, block=True, timeout=None):
        self._items.append(item)

    put_nowait = put

    def get(self, block=True, timeout=None):
        if block and timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        if not self._items and not (block and wait_until(self._items.__len__, timeout)):
            raise _queue.Empty
        return self._items.popleft()

    def get_nowait(self):
        return self.get(False)

    def empty(self):
        return not self._items

    def qsize(self):
        return len(self._items)

    def __class_getitem__(cls, item):
        import types

        return types.GenericAlias(cls, item)


def install():
    """Build time, before anything that uses threads is imported."""
    replaced = {}
    names = {"LockType": lock, "allocate_lock": lock, "allocate": lock, "start_new": start_new_thread, "get_native_id": get_ident}
    for part in (lock, RLock, _ThreadHandle, _make_thread_handle, start_joinable_thread, start_new_thread, get_ident, _count, set_name):
        names[part.__name__] = part
    for name, part in names.items():
        part.__module__ = "_thread"
        replaced[id(getattr(_thread, name, part))] = part
        setattr(_thread, name, part)
    _thread._shutdown = run_all
    SimpleQueue.__module__ = "_queue"
    replaced[id(_queue.SimpleQueue)] = SimpleQueue
    _queue.SimpleQueue = SimpleQueue
    time.sleep = sleep
    for module in list(sys.modules.values()):
        for name, part in list(vars(module).items()):
            if id(part) in replaced:
                setattr(module, name, replaced[id(part)])
    # These would have kept what they made of the old parts.
    early = {"threading", "queue", "_threading_local", "logging"} & sys.modules.keys()
    if early:
        sys.exit(f"imported before the launcher: {early}")


def finish_install():
    """Build time, as soon as the library can be imported."""
    global _tasks
    import _threading_local
    import threading

    # C keeps `local` by the C library's thread, of which there is one.
    _thread._local = threading.local = _threading_local.local
    import asyncio

    _tasks = sys.modules["_asyncio"]

"""`ThreadPoolExecutor` without workers that wait for work.

CPython's worker is a thread that lives as long as the pool and waits between
two calls; here it would be in everybody's way (see `threads`). So each call is
a turn of its own, run as one of the pool's workers, when somebody waits.
Queue, futures, `map`, `shutdown` and the number of workers are CPython's.
"""

import queue
import selectors
import threading
from concurrent.futures import _base, thread

from launcher import threads


def install():
    thread.ThreadPoolExecutor._adjust_thread_count = _adjust_thread_count
    # Last registered, first called: the program's threads before the pools' end.
    threading._register_atexit(threads.run_all)
    _select_runs_threads(selectors.DefaultSelector)


def _adjust_thread_count(pool):
    threads.push(_Call(pool))


class _Call:
    daemon = False

    def __init__(self, pool):
        self.pool = pool

    def can_run(self):
        workers = self.pool._threads
        return len(workers) < self.pool._max_workers or not all(worker.busy for worker in workers)

    def run(self):
        worker = _free_worker(self.pool)
        worker.busy = True
        try:
            threads.run_as(worker._ident, worker.work, self.pool)
        finally:
            worker.busy = False


def _free_worker(pool):
    number = len(pool._threads)
    if number < pool._max_workers:
        worker = _Worker(pool, f"{pool._thread_name_prefix or pool}_{number}")
        pool._threads.add(worker)
        thread._threads_queues[worker] = pool._work_queue
        return worker
    return min((worker for worker in pool._threads if not worker.busy), key=lambda worker: worker.calls)


class _Worker(threading.Thread):
    """A thread in name; its work comes call by call."""

    def __init__(self, pool, name):
        super().__init__(name=name, daemon=False)
        self.calls, self.busy, self.pool = 0, False, pool
        self.context = pool._create_worker_context()
        handle = self._os_thread_handle = _Handle(self)
        self._ident = self._native_id = handle.ident = threads.new_ident()
        self._started.set()
        threading._active[self._ident] = self

    def work(self, pool):
        self.calls += 1
        if self.calls == 1:
            try:
                self.context.initialize()
            except BaseException:
                _base.LOGGER.critical("Exception in initializer:", exc_info=True)
                return pool._initializer_failed()
        while True:
            try:
                item = pool._work_queue.get_nowait()
            except queue.Empty:
                return
            if item is not None:  # That is only for workers that wait.
                return item.run(self.context)


class _Handle(threading._ThreadHandle):
    """Joined when the pool has nothing more to do."""

    def __init__(self, worker):
        super().__init__()
        self.worker = worker

    def join(self, timeout=None):
        worker = self.worker
        if timeout == 0 or self._done:
            return
        pool = worker.pool
        threads.wait_until(lambda: not worker.busy and not threads.has_calls(pool), timeout)
        if (pool._shutdown or thread._shutdown) and not worker.busy:
            self._set_done()
            worker.context.finalize()
            threading._active.pop(self.ident, None)


def _select_runs_threads(selector):
    """An event loop that has nothing to do waits for its executor."""
    plain = selector.select

    def select(self, timeout=None):
        if (timeout is None or timeout > 0) and threads.run_one():
            timeout = 0
        return plain(self, timeout)

    selector.select = select

import queue
import threading
import time

lock = threading.Lock()
lock.acquire()
condition = threading.Condition()


def wait_for_condition():
    with condition:
        condition.wait()


waits = {
    "lock": lock.acquire,
    "event": threading.Event().wait,
    "condition": wait_for_condition,
    "semaphore": threading.Semaphore(0).acquire,
    "barrier": threading.Barrier(2).wait,
    "queue": queue.Queue().get,
    "full": (lambda full: full.put(1) or full.put)(queue.Queue(1)).__call__,
    "simple": queue.SimpleQueue().get,
}
waits["full"] = lambda full=waits["full"]: full(1)
for name, wait in waits.items():
    try:
        wait()
    except RuntimeError as error:
        print(name, str(error)[:19])

start = time.monotonic()
print(lock.acquire(False), lock.acquire(timeout=0.02), threading.Event().wait(0.02))
for waiting in queue.Queue(), queue.SimpleQueue():
    try:
        waiting.get(timeout=0.02)
    except queue.Empty:
        print("empty")
print(0.08 <= time.monotonic() - start < 5)

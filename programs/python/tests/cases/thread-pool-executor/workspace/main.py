import logging
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, TimeoutError, as_completed, wait


def name():
    return threading.current_thread().name


with ThreadPoolExecutor(3, "w", initializer=print, initargs=("initialised",)) as pool:
    print(list(pool.map(lambda x: x * 2, range(5))))
    print(sorted(future.result() for future in as_completed([pool.submit(pow, i, 2) for i in range(4)])))
    print(repr(pool.submit(int, "x").exception()))
    done, waiting = wait([pool.submit(int), pool.submit(int)], return_when=FIRST_COMPLETED)
    print(len(done), len(waiting))
    future = pool.submit(print, "cancelled")
    print(future.done(), future.cancel())
    future = pool.submit(name)
    future.add_done_callback(lambda future: print("callback", future.result()[:2]))
    barrier = threading.Barrier(3)
    print(sorted(pool.map(lambda _: barrier.wait(), range(3))))
    print(sorted({pool.submit(name).result() for _ in range(9)}), len(pool._threads))
try:
    pool.submit(print)
except RuntimeError as error:
    print(error)

# A call that waits for another needs a second worker.
for workers in 1, 2:
    with ThreadPoolExecutor(workers) as pool:
        try:
            print(pool.submit(lambda: pool.submit(int).result()).result())
        except RuntimeError as error:
            print(str(error)[:19])

logging.disable()
with ThreadPoolExecutor(initializer=lambda: 1 / 0) as pool:
    print(type(pool.submit(int).exception()).__name__)

pool = ThreadPoolExecutor()
future = pool.submit(print, "cancelled")
pool.shutdown(wait=False, cancel_futures=True)
print(future.cancelled())

pool = ThreadPoolExecutor()
pool.submit(print, "pool at the end")
print("main ends")

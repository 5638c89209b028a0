import queue
import threading

work = queue.Queue(maxsize=1)


def produce():
    for item in range(3):
        work.put(item)


def consume():
    for _ in range(3):
        print("got", work.get())


threading.excepthook = lambda failed: print(failed.thread.name, failed.exc_value)
threads = [threading.Thread(target=produce, name="producer"), threading.Thread(target=consume, name="consumer")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

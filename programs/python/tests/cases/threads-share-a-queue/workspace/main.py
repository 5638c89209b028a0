import queue
import threading


def consume(work, done):
    while (item := work.get()) is not None:
        done.append(item)
        work.task_done()
    work.task_done()


def produce(work, items):
    for item in items:
        work.put(item)


def run(*threads):
    for thread in threads:
        thread.start()
    return threads


# Workers first, then the work, then as many ends as workers.
work, done = queue.Queue(), []
workers = run(*(threading.Thread(target=consume, args=(work, done)) for _ in range(3)))
produce(work, [*range(6), None, None, None])
for worker in workers:
    worker.join()
work.join()
print(done)

# Each order of consumer and producer.
for consumer_first in True, False:
    work, done = queue.SimpleQueue(), []
    work.task_done = lambda: None
    pair = [threading.Thread(target=consume, args=(work, done)), threading.Thread(target=produce, args=(work, [1, 2, None]))]
    for thread in run(*(pair if consumer_first else pair[::-1])):
        thread.join()
    print(done)

# Daemons that wait for work until the program ends.
work, done = queue.Queue(), []
run(*(threading.Thread(target=consume, args=(work, done), daemon=True) for _ in range(2)))
produce(work, range(3))
work.join()
print(done)

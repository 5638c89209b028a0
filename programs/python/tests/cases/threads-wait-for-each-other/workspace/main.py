import threading
import time
from _thread import start_new_thread


def run(*targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    return threads


def join(threads):
    for thread in threads:
        thread.join()


count, lock = 0, threading.Lock()


def add():
    global count
    for _ in range(100):
        with lock:
            count += 1


join(run(*[add] * 8))
print(count)

event = threading.Event()
waiting = run(lambda: print("waited", event.wait()))
time.sleep(0.01)
print(waiting[0].is_alive())
event.set()
join(waiting)

condition, ready = threading.Condition(), []


def wait():
    with condition:
        condition.wait_for(lambda: ready)
        print("ready")


def notify():
    with condition:
        ready.append(True)
        condition.notify_all()


join(run(wait, notify))

barrier = threading.Barrier(3)
join(run(*[lambda: print("through", barrier.wait() in range(3))] * 3))

stop, ticks = threading.Event(), []


def tick():
    while not stop.wait(0.001):
        ticks.append(1)


ticker = run(tick)
time.sleep(0.01)
stop.set()
join(ticker)
print("stopped")

done = []
polled = run(lambda: done.append(1))
while polled[0].is_alive():
    time.sleep(0.001)
start_new_thread(done.append, (2,))
while len(done) < 2:
    time.sleep(0.001)
print(done)

timer = threading.Timer(0.01, print, ["timer"])
timer.start()
timer.join()
timer = threading.Timer(0.01, print, ["cancelled"])
timer.start()
timer.cancel()
timer.join()

threading.Thread(target=print, args=("a daemon that nobody waits for",), daemon=True).start()
threading.Thread(target=print, args=("at the end",)).start()
print("main ends")

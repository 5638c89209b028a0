import threading

thread = threading.Thread(target=lambda: 1 / 0, name="bad")
threading.excepthook = lambda failed: print(failed.exc_type.__name__, "in", failed.thread.name)
thread.start()
thread.join()
threading.excepthook = threading.__excepthook__
thread = threading.Thread(target=lambda: 1 / 0, name="bad")
thread.start()
thread.join()
for wrong in thread.start, threading.Thread().join, threading.main_thread().join:
    try:
        wrong()
    except RuntimeError as error:
        print(error)

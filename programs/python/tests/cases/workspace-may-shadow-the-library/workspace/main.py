import logging, queue
print(queue.whose)
print(hasattr(logging, "getLogger"))

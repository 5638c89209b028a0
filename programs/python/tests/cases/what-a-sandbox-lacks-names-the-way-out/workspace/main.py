import importlib.util
import os
import sys

for name in ("fork", "execv", "waitpid", "nothing"):
    print(name, hasattr(os, name), getattr(os, name, None))
    try:
        getattr(os, name)
    except AttributeError as error:
        print(error)
sys.path.insert(0, "wheels")
for name in ("package", "speedups", "nothing"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        print(error.name, "|", error)
print(importlib.util.find_spec("nothing"))
try:
    from speedups import fast
except ImportError:
    print("the slow way")

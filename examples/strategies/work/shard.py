"""Runs every n-th test of the suite in `tests/`, from a first one on: `3/8` is tests 3, 11, 19, and so on.

They are in the order of their own names and not of their classes': slow tests often stand together. Says in one line
of JSON what came of them. Names in SKIP are left out.
"""

import json
import os
import sys
import time
import unittest


def tests(suite):
    for one in suite:
        yield from tests(one) if isinstance(one, unittest.TestSuite) else [one]


def name(test):
    return test.id().rsplit(".", 1)[-1]


first, of = map(int, sys.argv[1].split("/"))
skip = os.environ.get("SKIP", "").split()
found = tests(unittest.defaultTestLoader.discover("tests", top_level_dir="."))
wanted = sorted((test for test in found if name(test) not in skip), key=lambda test: (name(test), test.id()))
began = time.monotonic()
result = unittest.TextTestRunner(stream=sys.stderr).run(unittest.TestSuite(wanted[first::of]))
print(json.dumps({
    "shard": sys.argv[1],
    "ran": result.testsRun,
    "skipped": len(result.skipped),
    "failed": [test.id() for test, _ in result.failures + result.errors],
    "seconds": round(time.monotonic() - began, 1),
}))

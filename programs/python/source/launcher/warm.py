"""The last acts of the build: what makes the image's pages stay untouched.

A start costs mostly the pages that it writes to, each a copy. Four things keep
them few. What every start does has been done before, so the interpreter's caches
are filled and its code is specialised. Code that runs is written to, for its
counters and caches, so the code of a start lies side by side. The holes that the
build left in the heap are filled, so that new objects come one behind the other
from fresh memory and not from a hole in some page of the image. And the objects
of the image are immortal: to use one counts no reference, so it writes nothing.
Python code cannot make an object immortal, so `list_objects` leaves a list for
`build.py`.
"""

import _io
import gc
import importlib.util
import linecache
import os
import random
import sys
import textwrap
import types
from array import array

from launcher import finish, options, renew

ROUNDS = 64  # The interpreter specialises code after a few runs, and tries again after more.
STARTS = ("app", "launcher.command", "launcher.finish", "launcher.renew")
HOLE_BYTES_MAX = 1 << 18
HOLE_BYTES_MIN = 19  # Less would be a bytes object that is there already.

# Inverted, they start the list: in the code they look different, so the list is found once.
MARK = (0x6C5F9A31, 0x13D7E248, 0x7A04B96D, 0x25C1F08E)
NUMBERS_MAX = 800_000
IMMORTAL = 1 << 30
ALIVE = (types.FrameType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)

_filling = []
_objects = array("I")


def up():
    fill_holes()
    _start(1)
    _gather_code()
    sys._clear_internal_caches()  # What the build looked up would have to make way.
    _start(ROUNDS)


def _gather_code():
    """Copy the code that every start runs: copies made one behind the other lie so.

    Code that ran has changed, and so can be told. To have the interpreter report
    calls would mark all code, and each start would have to unmark it."""
    functions = [function for function in gc.get_objects() if isinstance(function, types.FunctionType)]
    before = [hash(function.__code__._co_code_adaptive) for function in functions]
    _start(2)
    for function, code in zip(functions, before):
        if hash(function.__code__._co_code_adaptive) != code or function.__module__ in STARTS:
            function.__code__ = function.__code__.replace()


def _start(rounds):
    """What every start does, as far as it can be undone."""
    streams = sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__
    path, flags = sys.path[:], sys.flags
    modules = sys.modules.copy()
    for _ in range(rounds):
        random.seed()
        os.environ["PWD"] = os.getcwd()
        renew.modules()
        sys.modules.update(modules)
        renew.working_folder(os.environ.pop("PWD"))
        given = options.parse(["python", "-c", "print()"], {"PYTHONDONTWRITEBYTECODE": "1"})
        renew.streams(given)
        renew.flags(given)
        renew.search_path(given)
        renew.warning_filters(given)
        sys.stdout = _io.TextIOWrapper(_io.BytesIO(), "utf-8")
        finish.guard(_program)
        finish._flush_streams()
    sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams
    sys.path[:], sys.flags = path, flags
    sys.path_importer_cache.clear()
    linecache._interactive_cache.clear()


def _program():
    source = textwrap.dedent("print('warm')\n")
    code = compile(source, "<string>", "exec", dont_inherit=True, optimize=0)
    linecache._register_code(code, source, "<string>")
    exec(code, {"__name__": "__main__"})
    importlib.util.find_spec("json")


def fill_holes():
    """Take every hole of every size, the largest first, until memory comes from behind them all."""
    gc.collect()
    at = len(_filling)
    _filling.extend([None] * 200_000)  # Grown now: it must not make holes while it fills them.
    end = id(bytes(2 * HOLE_BYTES_MAX))
    size = HOLE_BYTES_MAX
    while True:
        filling = bytes(size - 17)  # CPython's own part of a bytes object is 17 bytes here.
        if id(filling) < end and at < len(_filling):
            _filling[at] = filling
            at += 1
        elif size > HOLE_BYTES_MIN:
            size = max(size * 7 // 8 if size > 512 else size - 8, HOLE_BYTES_MIN)
        else:
            break
    del filling, _filling[at:]
    gc.collect()  # Of what it kept for later, too.


def list_objects():
    """The address of each object and of its type, by which the builder sees that it is still there.
    An object may be listed more than once."""
    gc.collect()
    found = gc.get_objects()
    _objects.frombytes(bytes(4 * NUMBERS_MAX))  # As long as it gets, for the same reason.
    _objects[:4] = array("I", (number ^ 0xFFFFFFFF for number in MARK))
    at = 5
    for thing in found:
        if thing is not found and not isinstance(thing, ALIVE):
            at = _list(thing, at)
    _objects[4] = at
    del _objects[at:]


def _list(thing, at):
    at = _list_one(thing, at)
    for part in gc.get_referents(thing):
        if not gc.is_tracked(part):
            at = _list_untracked(part, at)
    if isinstance(thing, dict):  # Its text keys are not among the referents.
        for key in thing:
            at = _list_one(key, at)
    return at


def _list_untracked(thing, at):
    before = at
    at = _list_one(thing, at)
    if at == before:
        return at
    if isinstance(thing, types.CodeType):
        for parts in thing.co_consts, thing.co_names:
            at = _list_untracked(parts, at)
    elif isinstance(thing, (tuple, frozenset)):
        for part in thing:
            if not gc.is_tracked(part):
                at = _list_untracked(part, at)
    elif isinstance(thing, dict):
        for item in thing.items():
            for part in item:
                at = _list_untracked(part, at)
    return at


def _list_one(thing, at):
    if sys.getrefcount(thing) < IMMORTAL and at < NUMBERS_MAX - 1:
        _objects[at], _objects[at + 1] = id(thing), id(type(thing))
        return at + 2
    return at

"""The end of a program: its exception, its exit code, and what CPython does after `main`.

The interpreter itself is not finalised: the sandbox is thrown away. But what a
program can see of it happens: threads are joined, `atexit` runs, objects that
only modules hold are finalised (a file left open is written), streams are flushed.
"""

import atexit
import gc
import os
import sys
import threading
import traceback

from launcher import library
from wit_world.imports import exit as host_exit


def install():
    """`os._exit` of the C library knows only 0 and 1."""
    os._exit = _exit


def _exit(status):
    host_exit.exit_with_code(status & 0xFF)


def leave(code):
    """End now, with nothing flushed but stderr."""
    if sys.stderr is not None:
        sys.stderr.flush()
    host_exit.exit_with_code(code & 0xFF)


def guard(program, *arguments):
    """Run a program; the exit code that CPython would give."""
    try:
        program(*arguments)
    except BaseException as error:
        return _report(error)
    return 0


def _report(error):
    error.__traceback__ = _without_launcher(error.__traceback__)
    if isinstance(error, SystemExit):
        return _exit_code(error)
    sys.last_exc, sys.last_type = error, type(error)
    sys.last_value, sys.last_traceback = error, error.__traceback__
    _flush_before_stderr()
    code = _show(error)
    return 130 if isinstance(error, KeyboardInterrupt) else code


def _without_launcher(entry):
    while entry is not None and entry.tb_frame.f_globals.get("__package__") == "launcher":
        entry = entry.tb_next
    return entry


def _exit_code(error):
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code if -(2**31) <= code < 2**31 else 255
    _flush_before_stderr()
    print(code, file=sys.stderr)
    return 1


def _show(error):
    """Ask the program's own hook, as CPython does; the exit code."""
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        print("sys.excepthook is missing", file=sys.stderr)
        hook = sys.__excepthook__
    try:
        hook(type(error), error, error.__traceback__)
    except SystemExit as leaving:
        return _exit_code(leaving)
    except BaseException as second:
        second.__traceback__ = _without_launcher(second.__traceback__)
        second.__context__ = None
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(second), second, second.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)
    return 1


def end(code):
    """What CPython does after the program; then leave, or return for code 0."""
    if "threading" in sys.modules:
        _quietly(threading._shutdown)
    _quietly(atexit._run_exitfuncs)
    flushed = _flush_streams()
    _quietly(_finalise_modules)
    if not (flushed and _flush_streams()):
        code = 120
    if code:
        host_exit.exit_with_code(code & 0xFF)


def _quietly(step):
    """No step of the end may keep the next from being taken."""
    try:
        step()
    except BaseException:
        traceback.print_exc()


def _finalise_modules():
    """Drop the program's own modules, so that their objects are finalised."""
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        vars(sys).pop(name, None)
    taken = library.take_new_modules()
    own = [vars(module) for name, module in taken.items() if name not in library.codes and module]
    if main := sys.modules.pop("__main__", None):
        own.append(vars(main))
    del taken, main
    gc.collect()
    for names in own:
        for name in list(names):
            if name != "__builtins__":
                names[name] = None


def _flush_streams():
    whole = True
    for name in ("stdout", "stderr"):
        try:
            _flush(getattr(sys, name, None))
        except BaseException as error:
            whole = False
            if name == "stdout":
                print("Exception ignored while flushing sys.stdout:", file=sys.stderr)
                error.__traceback__ = None
                traceback.print_exception(error)
    return whole


def _flush_before_stderr():
    """What cannot be written is told at the end, once."""
    try:
        _flush(sys.stdout)
    except BaseException:
        pass


def _flush(stream):
    if stream is not None and not getattr(stream, "closed", False):
        stream.flush()

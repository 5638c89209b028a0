"""What the image froze and each start must make anew.

Not here: `os.environ` and the seed of `random`, which componentize-py's runtime
renews itself before our first line; and the seed of `hash(str)`, which nobody
can renew, for the image is full of dictionaries in its order.
"""

import _io
import builtins
import os
import sys
import time
import warnings
from importlib import _bootstrap_external

from launcher import library, shims

# CPython takes 128 KiB each: half a sandbox's start would go into fetching that memory.
BUFFER_BYTES = 16 * 1024


def modules():
    """Hide what the runtime imported after `preload.seal`: a program may shadow it."""
    library.take_new_modules()
    shims.renew()
    if logging := library.ready.get("logging"):
        logging._startTime = time.time_ns()


def working_folder(wanted):
    """The host may have opened the workspace as `/workspace`, or as `.`."""
    if wanted is None:
        wanted = "/workspace"
    for folder in (wanted, wanted.removeprefix("/workspace") or "/", "/workspace", "/"):
        try:
            os.chdir(folder)
        except OSError:
            continue
        return


def streams(options):
    """Standard streams as CPython opens them: text, UTF-8, stderr by the line."""
    encoding, _, errors = options.environment.get("PYTHONIOENCODING", "").partition(":")
    encoding = encoding or "utf-8"
    errors = errors or "strict"
    unbuffered = bool(options.given("u", "PYTHONUNBUFFERED"))
    sys.stdin = sys.__stdin__ = _stream(0, "<stdin>", encoding, errors)
    sys.stdout = sys.__stdout__ = _stream(1, "<stdout>", encoding, errors, unbuffered)
    sys.stderr = sys.__stderr__ = _stream(2, "<stderr>", encoding, "backslashreplace", unbuffered)


def _stream(number, name, encoding, errors, unbuffered=False):
    mode = "wb" if number else "rb"
    try:
        buffer = _io.open(number, mode, 0 if unbuffered else BUFFER_BYTES, closefd=False)
    except OSError:
        return None  # As CPython: a closed descriptor has no stream.
    raw = buffer if unbuffered else buffer.raw
    raw.name = name
    text = _io.TextIOWrapper(
        buffer,
        encoding,
        errors,
        "\n",
        line_buffering=not unbuffered and (number == 2 or raw.isatty()),
        write_through=unbuffered,
    )
    text.mode = mode[0]
    return text


def flags(options):
    """`sys.flags`, and the few switches of the interpreter that Python code can reach."""
    given = options.given
    optimize = given("O", "PYTHONOPTIMIZE")
    isolated = given("I")
    implementation = options.implementation
    digits = implementation.get("int_max_str_digits") or options.environment.get("PYTHONINTMAXSTRDIGITS")
    if digits:
        sys.set_int_max_str_digits(int(digits))
    sys.dont_write_bytecode = bool(given("B", "PYTHONDONTWRITEBYTECODE"))
    sys.pycache_prefix = implementation.get("pycache_prefix") or options.environment.get("PYTHONPYCACHEPREFIX")
    sys._xoptions.update(implementation)
    sys.flags = sys.flags.__replace__(
        debug=given("d", "PYTHONDEBUG"),
        optimize=optimize,
        dont_write_bytecode=int(sys.dont_write_bytecode),
        no_user_site=int(bool(given("s", "PYTHONNOUSERSITE") or isolated)),
        no_site=given("S"),
        ignore_environment=int(bool(given("E") or isolated)),
        verbose=given("v", "PYTHONVERBOSE"),
        bytes_warning=given("b"),
        quiet=given("q"),
        isolated=int(bool(isolated)),
        dev_mode=_dev_mode(options),
        utf8_mode=1,  # The only text encoding here, so the mode is always on.
        safe_path=bool(given("P", "PYTHONSAFEPATH") or isolated),
        int_max_str_digits=sys.get_int_max_str_digits(),
    )
    if optimize:
        # The compiler's own level is out of reach. Imports and the main program
        # get it as an argument; `compile()` and `exec()` of a program do not.
        vars(builtins)["__debug__"] = False
        _bootstrap_external.SourceLoader.source_to_code.__kwdefaults__["_optimize"] = optimize


def _dev_mode(options):
    return "dev" in options.implementation or "PYTHONDEVMODE" in options.environment


def warning_filters(options):
    asked = options.warnings
    if options.given("b"):
        asked.append(("error" if options.given("b") > 1 else "default") + "::BytesWarning")
    if _dev_mode(options):
        asked.insert(0, "default")
    if asked:
        sys.warnoptions[:] = asked
        library.release("warnings")
        warnings._processoptions(asked)


def search_path(options):
    entries = options.environment.get("PYTHONPATH", "")
    folders = [os.path.abspath(entry) for entry in entries.split(":")] if entries else []
    sys.path[:] = list(dict.fromkeys([*folders, library.HOME]))

"""The program `python`: read the command line, run what it names, end as CPython ends."""

import linecache
import os
import runpy
import sys
import textwrap

from code import InteractiveConsole
from importlib.machinery import SourceFileLoader, SourcelessFileLoader

from launcher import finish, options as command_line, renew
from wit_world.imports import environment


def run():
    """Never raises: an exception that left this function would abort the instance."""
    try:
        _run(environment.get_arguments() or ["python"])
    except BaseException as error:
        # Only a program that broke the interpreter's own parts gets here.
        sys.stderr = sys.__stderr__
        _say(f"python: cannot go on: {type(error).__name__}: {error}")
        finish.leave(1)


def _run(argv):
    renew.modules()
    try:
        options = command_line.parse(argv, os.environ)
        wrong = None
    except command_line.UsageError as error:
        options, wrong = command_line.Options(), error
    renew.streams(options)
    if wrong is not None:
        _say(f"{wrong}\n{command_line.USAGE.format(argv[0])}\nTry `python -h' for more information.")
        finish.leave(2)
    finish.end(_answer(argv, options))


def _answer(argv, options):
    """Do what the command line asks; the exit code."""
    if options.given("h"):
        print(command_line.USAGE.format(argv[0]), command_line.HELP, sep="\n")
        return 0
    if count := options.given("V"):
        print("Python", sys.version if count > 1 else sys.version.split()[0])
        return 0
    if options.given("i"):
        _say(f"{argv[0]}: option -i is refused: a sandbox has no prompt to leave you at")
        return 2
    renew.working_folder(os.environ.get("PWD") or environment.initial_cwd())
    sys.executable = sys._base_executable = argv[0]
    sys.orig_argv = argv
    renew.flags(options)
    renew.search_path(options)
    renew.warning_filters(options)
    if "tracemalloc" in options.implementation:
        import tracemalloc

        tracemalloc.start()
    return _run_program(options)


def _run_program(options):
    if options.command is not None:
        return finish.guard(_run_command, options)
    if options.module is not None:
        return finish.guard(_run_module, options)
    if not options.arguments or options.arguments[0] == "-":
        return finish.guard(_run_stdin, options)
    path = options.arguments[0]
    # As CPython: a folder or an archive with a `__main__`, before a plain file.
    if os.path.isdir(path) or _is_archive(path):
        return finish.guard(_run_folder, options)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        _say(
            f"{sys.executable}: can't open file {os.path.abspath(path)!r}: "
            f"[Errno {error.errno}] {error.strerror}"
        )
        return 2
    return finish.guard(_run_file, options, source)


def _run_command(options):
    sys.argv = ["-c", *options.arguments]
    _first_on_path("")
    source = textwrap.dedent(options.command)
    code = _compile(source, "<string>")
    linecache._register_code(code, source, "<string>")
    _run_main(code)


def _run_module(options):
    sys.argv = ["-m", *options.arguments]
    _first_on_path(os.getcwd())
    runpy._run_module_as_main(options.module)


def _run_stdin(options):
    sys.argv = options.arguments or [""]
    _first_on_path("")
    if sys.stdin is None:
        return
    if sys.stdin.isatty():
        InteractiveConsole(vars(sys.modules["__main__"])).interact(exitmsg="")
        return
    _run_main(_compile(_skip_line(options, sys.stdin.buffer.read()), "<stdin>"))


def _run_folder(options):
    sys.argv = options.arguments
    sys.path.insert(0, options.arguments[0])
    runpy._run_module_as_main("__main__", False)


def _run_file(options, source):
    sys.argv = options.arguments
    path = os.path.abspath(sys.argv[0])
    _first_on_path(os.path.dirname(os.path.realpath(path)))
    main = vars(sys.modules["__main__"])
    main["__file__"] = path
    if path.endswith(".pyc"):
        loader = SourcelessFileLoader("__main__", path)
        code = loader.get_code("__main__")
    else:
        loader = SourceFileLoader("__main__", path)
        code = _compile(_skip_line(options, source), path)
    main["__loader__"] = loader
    _run_main(code)


def _run_main(code):
    main = vars(sys.modules["__main__"])
    exec(code, main)


def _compile(source, name):
    return compile(source, name, "exec", dont_inherit=True, optimize=sys.flags.optimize)


def _skip_line(options, source):
    """-x: the first line is for another reader; line numbers stay."""
    return b"\n" + source.partition(b"\n")[2] if options.given("x") else source


def _first_on_path(folder):
    if not sys.flags.safe_path:
        sys.path.insert(0, folder)


def _is_archive(path):
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        # An archive may have anything before it, so its end is what counts.
        file.seek(0, os.SEEK_END)
        file.seek(-min(file.tell(), 65558), os.SEEK_END)
        return b"PK\x05\x06" in file.read() and not path.endswith(".py")


def _say(message):
    print(message, file=sys.stderr)

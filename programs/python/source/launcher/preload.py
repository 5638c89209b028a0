"""What the build imports, so that a program need not.

The image is mapped copy-on-write: a module that nobody touches costs a sandbox
nothing, so the list is generous. What is absent here is imported from memory.
"""

import builtins
import gc
import importlib
import importlib.util
import linecache
import sys

from launcher import library, threads

MODULES = """
__future__ abc annotationlib argparse array ast asyncio base64 bdb binascii bisect calendar cmath cmd code
codecs codeop collections collections.abc colorsys compileall concurrent.futures concurrent.futures.thread
configparser contextlib contextvars copy copyreg csv dataclasses datetime decimal difflib dis doctest email
email.message email.mime.multipart email.mime.text email.parser email.policy encodings.ascii encodings.cp1252
encodings.idna encodings.latin_1 encodings.raw_unicode_escape encodings.unicode_escape encodings.utf_16
encodings.utf_32 encodings.utf_8_sig enum errno fileinput filecmp fnmatch fractions functools gc getopt getpass
gettext glob graphlib gzip hashlib heapq hmac html html.entities html.parser http http.client http.cookies
http.server importlib.metadata importlib.resources importlib.util inspect io ipaddress itertools json json.tool
keyword linecache locale logging logging.config logging.handlers math mimetypes numbers opcode operator optparse os
pathlib pdb pickle pickletools pkgutil platform plistlib pprint profile pstats py_compile queue quopri random re
reprlib runpy sched secrets select selectors shelve shlex shutil signal site socket socketserver sqlite3 stat
statistics string string.templatelib stringprep struct subprocess symtable sys sysconfig tarfile tempfile textwrap
threading time timeit token tokenize tomllib trace traceback tracemalloc types typing unicodedata unittest
unittest.async_case unittest.mock urllib.error urllib.parse urllib.request urllib.response uuid warnings weakref
wsgiref.simple_server xml.dom.minidom xml.etree.ElementTree xml.sax xml.sax.expatreader xmlrpc.client zipfile
zipimport zlib zoneinfo _colorize _pydatetime _pyio _strptime
""".split()

OURS = ("app", "componentize_py", "launcher", "wit_world")
# The runtime of componentize-py imports these once more, after `seal`.
RUNTIME = ("componentize_py_runtime", "componentize_py_types", "random", "weakref")


def load_all():
    filters = sys.modules["_warnings"].filters[:]
    plain_import = builtins.__import__
    builtins.__import__ = _recording(plain_import)
    try:
        threads.finish_install()
        for name in MODULES:
            importlib.import_module(name)
        library.resource_reader = importlib.import_module("launcher.resources").Reader
        importlib.import_module("launcher.shims").install()
        importlib.import_module("launcher.absent").install()
        importlib.import_module("launcher.pools").install()
        importlib.import_module("launcher.processes").install()
    finally:
        builtins.__import__ = plain_import
    sys.modules["_warnings"].filters[:] = filters


def _recording(plain_import):
    """`__import__` that also writes down who needs whom."""

    def recording(name, globals=None, locals=None, fromlist=(), level=0):
        result = plain_import(name, globals, locals, fromlist, level)
        importer = (globals or {}).get("__name__")
        if importer:
            package = globals.get("__package__") or ""
            full = importlib.util.resolve_name("." * level + name, package) if level else name
            asked = library.needs.setdefault(importer, set())
            asked.add(full)
            asked.update(f"{full}.{item}" for item in fromlist or () if f"{full}.{item}" in sys.modules)
            for child in list(asked):
                while child := child.rpartition(".")[0]:
                    asked.add(child)
        return result

    return recording


def seal():
    """The last act of the build: hide what was imported, and freeze the heap."""
    from launcher import warm

    # Nothing on disk can shadow what is built in or frozen: it stays.
    bare = library.bare
    bare.update(name for name, module in sys.modules.items() if not _from_library(module))
    bare.difference_update([name for name in bare if name.startswith(OURS)])
    for name, module in list(sys.modules.items()):
        if name not in bare:
            library.ready[name] = module
            del sys.modules[name]
    for name, module in library.ready.items():
        parent, _, child = name.rpartition(".")
        holder = library.ready.get(parent) or sys.modules.get(parent)
        if holder is not None and getattr(holder, child, None) is module:
            delattr(holder, child)
    for name in RUNTIME:
        sys.modules[name] = library.ready[name]
    for name in list(library.needs):
        wanted = library.needs[name] & library.ready.keys()
        library.needs[name] = tuple(sorted(wanted))
    sys.path_importer_cache.clear()
    warm.up()
    linecache.clearcache()
    # The image's garbage collector looks no more at what the build made: it
    # would write into every page, and each sandbox would need its own copy.
    warm.list_objects()
    warm.fill_holes()
    gc.freeze()


def _from_library(module):
    return isinstance(getattr(module.__spec__, "loader", None), library.Loader)

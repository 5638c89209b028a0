"""The standard library, held in memory.

`/python` holds the standard library while the component is built and is gone
in the sandbox. So the build reads all of it, compiles it, and keeps code and
source here, compressed. `HOME` is a folder that exists on no disk: a path hook
answers for it. So the library stands in `sys.path` where it stands in CPython,
behind the script's folder and PYTHONPATH, and a workspace may shadow a module.

A module that the build imported already is not in `sys.modules` at start (it
could not be shadowed otherwise). It waits in `ready`, and its import is a look-up.
"""

import marshal
import sys
import zlib
from importlib import _bootstrap_external
from importlib.machinery import ModuleSpec

BUILD_HOME = "/python"
PREFIX = "/usr"
HOME = "/usr/lib/python3.14"

# Needs what a sandbox lacks (a display, processes, a linker), or serves CPython's own build.
LEFT_OUT = {
    "__phello__", "__pycache__", "config-3.14-wasm32-wasi", "ensurepip", "idlelib",
    "site-packages", "tkinter", "turtle.py", "turtledemo",
}

codes = {}  # module name -> compressed, marshalled code
sources = {}  # path -> compressed bytes: Python source, and data that lies beside it
packages = set()
bare = set()  # what a program finds in `sys.modules` at its start
ready = {}  # module name -> module imported by the build and not yet by the program
resource_reader = None  # set by `preload`, once `importlib.resources` can be imported
needs = {}  # module name -> modules of `ready` that its own import brings along


def install():
    """Build time: read the library, then import from it alone."""
    bare.update(sys.modules)
    _fill(BUILD_HOME, HOME, "")
    sys._stdlib_dir = HOME
    sys.platlibdir = "lib"
    sys.prefix = sys.base_prefix = sys.exec_prefix = sys.base_exec_prefix = PREFIX
    for module in list(sys.modules.values()):
        _move(module)
    sys.path_hooks.insert(0, Finder)
    sys.path_importer_cache.clear()
    sys.path[:] = [HOME, *(p for p in sys.path if not p.startswith(BUILD_HOME))]


def add(package):
    """Build time: hold one more package, as if it were part of the library."""
    _fill(_beside(package), f"{HOME}/{package}", package + ".")


def add_modules(folder):
    """Build time: the same for the modules of a folder, each by its own name."""
    _fill(_beside(folder), HOME, "")


def _beside(name):
    for entry in sys.path:
        if entry != HOME and _bootstrap_external._path_isdir(f"{entry}/{name}"):
            return f"{entry}/{name}"
    raise ImportError(f"no folder {name} in {sys.path}")


def _fill(folder, home, prefix):
    import os

    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = f"{home}/{entry.name}"
        if not prefix and entry.name in LEFT_OUT or entry.name == "__pycache__":
            continue
        if entry.is_dir():
            _fill(entry.path, path, f"{prefix}{entry.name}.")
            continue
        with open(entry.path, "rb") as file:
            content = file.read()
        sources[path] = zlib.compress(content, 9)
        if entry.name.endswith(".py"):
            name = prefix + entry.name[:-3]
            if entry.name == "__init__.py":
                name = prefix[:-1]
                packages.add(name)
            try:
                code = compile(content, path, "exec", dont_inherit=True, optimize=0)
            except SyntaxError:  # Templates that only end in `.py`.
                continue
            codes[name] = zlib.compress(marshal.dumps(code), 9)


def _move(module):
    """A module that CPython loaded before us still names the build's folder."""
    spec = getattr(module, "__spec__", None)
    file = getattr(module, "__file__", None) or ""
    for old in (BUILD_HOME + "/lib/python3.14", BUILD_HOME):
        if file.startswith(old):
            module.__file__ = HOME + file[len(old):]
            if hasattr(module, "__path__"):
                module.__path__ = [module.__file__.rpartition("/")[0]]
            if spec.origin != "frozen":
                module.__spec__ = Finder(_folder(module.__name__)).find_spec(module.__name__)
                module.__loader__ = module.__spec__.loader
                module.__cached__ = None
            elif spec.loader_state is not None:
                spec.loader_state.filename = module.__file__
                if spec.submodule_search_locations is not None:
                    spec.submodule_search_locations[:] = module.__path__
            break


def take_new_modules():
    """Take from `sys.modules` what was imported since the build, newest first.

    A dictionary keeps its order, so this looks at no module of the image: to
    look is to count a reference, to count is to write, and to write is to copy."""
    taken = {}
    while sys.modules:
        name, module = sys.modules.popitem()
        if name in bare:
            sys.modules[name] = module
            break
        taken[name] = module
    return taken


class Loader(_bootstrap_external._LoaderBasics):
    """Loads one module from memory. The base gives `exec_module`, so that a
    traceback shows no frame of ours, as CPython's own loaders show none."""

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return isinstance(other, Loader) and self.name == other.name

    def __hash__(self):
        return hash(self.name)

    def is_package(self, name):
        return name in packages

    def get_filename(self, name=None):
        return _path(name or self.name)

    def get_code(self, name):
        return marshal.loads(zlib.decompress(codes[name]))

    def get_source(self, name):
        return _bootstrap_external.decode_source(self.get_data(_path(name)))

    def get_data(self, path):
        try:
            return zlib.decompress(sources[path])
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", path) from None

    def get_resource_reader(self, name):
        return resource_reader(_path(name).rpartition("/")[0])


class ReadyLoader(Loader):
    """Hands out a module that the build imported: nothing runs again."""

    def __init__(self, module):
        super().__init__(module.__name__)
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec):
        return self.module

    def exec_module(self, module):
        module.__spec__ = self.spec
        release(module.__name__)


class Finder:
    """The path entry finder for `HOME` and the folders below it."""

    def __init__(self, path):
        if path != HOME and not path.startswith(HOME + "/"):
            raise ImportError("not in the library", path=path)
        self.path = path

    def find_spec(self, name, target=None):
        if name not in codes or _folder(name) != self.path:
            return None
        path = _path(name)
        spec = ModuleSpec(name, Loader(name), origin=path, is_package=name in packages)
        spec.has_location = True
        if name in packages:
            spec.submodule_search_locations.append(path.rpartition("/")[0])
        if name in ready and target is None:
            spec.loader = ReadyLoader(ready[name])
        return spec

    def invalidate_caches(self):
        pass

    def iter_modules(self, prefix=""):
        for name in sorted(codes):
            if _folder(name) == self.path:
                yield prefix + name.rpartition(".")[2], name in packages


def _folder(name):
    """The folder in which CPython would look for this module."""
    parent = name.rpartition(".")[0]
    return f"{HOME}/{parent.replace('.', '/')}" if parent else HOME


def _path(name):
    path = f"{HOME}/{name.replace('.', '/')}"
    return path + ("/__init__.py" if name in packages else ".py")


def release(name):
    """Give out, with a module, what its import would have imported."""
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name in ready:
            _give_out(name)
            waiting += needs.get(name, ())


def _give_out(name):
    """A package before its modules, for it holds them as attributes."""
    parent, _, child = name.rpartition(".")
    if parent in ready:
        release(parent)
    if name in ready:
        module = sys.modules.setdefault(name, ready.pop(name))
        if parent in sys.modules:
            setattr(sys.modules[parent], child, module)

"""`importlib.resources` for packages that are held in memory."""

import io
from importlib.resources.abc import Traversable, TraversableResources

from launcher import library


class Reader(TraversableResources):
    def __init__(self, folder):
        self.folder = folder

    def files(self):
        return MemoryPath(self.folder)


class MemoryPath(Traversable):
    def __init__(self, path):
        self._path = path

    @property
    def name(self):
        return self._path.rpartition("/")[2]

    def __str__(self):
        return self._path

    def __repr__(self):
        return f"MemoryPath({self._path!r})"

    def is_file(self):
        return self._path in library.sources

    def is_dir(self):
        return any(path.startswith(self._path + "/") for path in library.sources)

    def iterdir(self):
        start = self._path + "/"
        names = {p[len(start):].partition("/")[0] for p in library.sources if p.startswith(start)}
        return (MemoryPath(start + name) for name in sorted(names))

    def joinpath(self, *descendants):
        parts = [part for name in descendants for part in str(name).split("/") if part]
        return MemoryPath("/".join([self._path, *parts]))

    def read_bytes(self):
        return library.Loader("").get_data(self._path)

    def open(self, mode="r", *args, **kwargs):
        file = io.BytesIO(self.read_bytes())
        return file if "b" in mode else io.TextIOWrapper(file, *args, **kwargs)

"""The exported component: `wasi:cli/run`.

This module runs once, while the component is built: it fills the image with
the standard library. In the sandbox only `Run.run` runs.
"""

from launcher import library, threads

threads.install()  # Before anything binds a name of `_thread`.
library.install()  # First: every import below is then served, and kept, by the library.
library.add_modules("unix")  # What packages import wherever there is no Windows.
library.add("tzdata")  # Time zones for `zoneinfo`: a sandbox has no /usr/share/zoneinfo.

from launcher import preload

preload.load_all()

from launcher import command, finish
from wit_world import exports

finish.install()


class Run(exports.Run):
    def __init__(self):
        # The runtime makes this object, still in the build, after this file has run.
        preload.seal()

    def run(self):
        command.run()

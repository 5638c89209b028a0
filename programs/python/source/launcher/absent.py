"""What a program looks for and a sandbox has not: the error that it expects, and the way out."""

import os
import sys

PROCESSES = {
    "WNOHANG", "execv", "execve", "fork", "forkpty", "posix_spawn", "posix_spawnp", "register_at_fork", "wait", "waitpid",
}
MACHINE_CODE = (".so", ".pyd", ".dylib")


def install():
    # Only asked for what `os` does not have; `hasattr` still says so.
    os.__getattr__ = _of_os
    sys.meta_path.append(NativeFinder)


def _of_os(name):
    message = f"module 'os' has no attribute '{name}'"
    if name in PROCESSES:
        message += ": a sandbox does not fork; use `subprocess` to start programs, threads or asyncio to do several things"
    raise AttributeError(message, name=name, obj=os)


class NativeFinder:
    """Asked last: a module that nobody found and that lies there as machine code."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        tail = name.rpartition(".")[2]
        for folder in sys.path if path is None else path:
            try:
                files = os.listdir(folder or ".")
            except (OSError, TypeError):
                continue
            for file in files:
                if file.partition(".")[0] == tail and file.endswith(MACHINE_CODE):
                    raise ModuleNotFoundError(
                        f"No module named '{name}': {os.path.join(folder, file)} is machine code, which a sandbox does not load",
                        name=name,
                    )
        return None

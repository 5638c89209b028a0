"""What common programs expect of an operating system and WASI has not.

Each is either true of a sandbox or an error that the program already expects.
They are set once, in the image. A module that CPython itself leaves out on WASI
(`ssl`, `ctypes`, `mmap`, ...) stays out: a program can test for that.
"""

import asyncio
import errno
import os
import signal
import socket
import stat
import tarfile
import time
import zipfile

USER = 1000  # Nobody in particular, and not root: some programs refuse to run as root.

_umask = 0o022
_clock_origin_ns = 0


def install():
    for shim in (umask, chdir, get_terminal_size, getppid, abort):
        setattr(os, shim.__name__, shim)
    for name in ("getuid", "geteuid", "getgid", "getegid"):
        setattr(os, name, _user)
    time.process_time, time.process_time_ns = process_time, process_time_ns
    zipfile.ZipInfo.from_file = classmethod(_zip_info_from_file)
    tarfile.TarFile.gettarinfo = _tar_info
    socket.socket.__repr__ = _socket_repr
    loop = asyncio.selector_events.BaseSelectorEventLoop
    loop._make_self_pipe = _make_self_pipe
    loop._close_self_pipe = _close_self_pipe
    loop._write_to_self = _write_to_self
    asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = _no_signal_handler


def renew():
    """The C library counts processor time from the build: count from the start."""
    global _clock_origin_ns
    _clock_origin_ns = _process_time_ns()


# WASI has no users and no permission bits; the mask is kept for who asks again.


def _user():
    return USER


def umask(mask):
    global _umask
    before, _umask = _umask, mask & 0o777
    return before


# The C library only joins strings: after chdir("..") the folder would be "a/..",
# which is gone when "a" is.

_chdir = os.chdir


def chdir(path):
    _chdir(os.path.realpath(os.fspath(path)))


# One process, no terminal to measure. (Other programs: see `processes`.)


def getppid():
    return 1


def get_terminal_size(fd=1):
    raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def abort():
    os._exit(128 + signal.SIGABRT)  # As a shell reports it; a trap would look like our fault.


_process_time_ns = time.process_time_ns


def process_time_ns():
    return _process_time_ns() - _clock_origin_ns


def process_time():
    return process_time_ns() / 1e9


# WASI files have no permission bits (mode 0): an archive made from them could
# not be read where it is unpacked. Write what a file made with umask 022 has.


def _with_permissions(mode):
    if mode & 0o777:
        return mode
    return mode | (0o755 if stat.S_ISDIR(mode) else 0o644)


_plain_zip_info = zipfile.ZipInfo.from_file.__func__
_plain_tar_info = tarfile.TarFile.gettarinfo


def _zip_info_from_file(cls, *args, **kwargs):
    info = _plain_zip_info(cls, *args, **kwargs)
    mode = _with_permissions(info.external_attr >> 16)
    info.external_attr = mode << 16 | info.external_attr & 0xFFFF
    return info


def _tar_info(self, *args, **kwargs):
    info = _plain_tar_info(self, *args, **kwargs)
    if info is not None and not info.mode & 0o777:
        info.mode = 0o755 if info.isdir() else 0o644
    return info


# asyncio wakes its loop through a socket pair, for other threads and for
# signals. Here other threads run while it selects (see `pools`), and there are
# no signals, nor sockets that nobody granted.


def _make_self_pipe(self):
    self._ssock = self._csock = None


def _close_self_pipe(self):
    pass


def _write_to_self(self):
    pass


def _no_signal_handler(self, number, callback, *args):
    raise NotImplementedError("a sandbox gets no signals")


# The C library aborts, and so ends the sandbox, when a socket without an address
# is asked for it. `repr` asks; it must not.


def _socket_repr(self):
    state = " [closed]" if self._closed else ""
    kind = f"family={self.family}, type={self.type}, proto={self.proto}"
    return f"<{type(self).__module__}.{type(self).__qualname__}{state} fd={self.fileno()}, {kind}>"

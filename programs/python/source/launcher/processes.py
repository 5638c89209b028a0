"""`subprocess`: other programs of the workspace, which the host starts (`swarm-flow:core/process`).

CPython's `Popen` stays as it is down to the system calls. Where those would make
pipes of numbers, here are objects over the host's streams, and the waiting is the
host's: one poll for all that a child reads, writes and for its end.
"""

import errno
import io
import os
import shutil
import signal
import subprocess
import time

from componentize_py_types import Err
from wit_world.imports import monotonic_clock, poll, preopens
from wit_world.imports import process as host
from wit_world.imports import wasi_filesystem_types as files

PIECE = 4096  # What one blocking write takes.
CHUNK = 65536

_children = {}  # By number, those that nobody has waited for.


def install():
    subprocess._can_fork_exec = True
    subprocess.io = _Io
    for method in (
        _get_handles, _close_pipe_fds, _execute_child, _internal_poll, _wait, _communicate, send_signal,
    ):
        setattr(subprocess.Popen, method.__name__, method)
    subprocess.Popen.__del__ = _forget
    shutil.which = which
    os.system = system
    os.kill = kill


class _Io:
    """The `io` of `subprocess`, which opens the ends of pipes by their numbers."""

    TextIOWrapper, text_encoding = io.TextIOWrapper, io.text_encoding
    DEFAULT_BUFFER_SIZE = io.DEFAULT_BUFFER_SIZE

    @staticmethod
    def open(end, mode, size):
        if size == 0:
            return end
        size = io.DEFAULT_BUFFER_SIZE if size < 0 else size
        return io.BufferedReader(end, size) if "r" in mode else io.BufferedWriter(end, size)


def _drop(resource):
    resource.__exit__(None, None, None)


def _is_closed(error):
    # By name: the class of the build and that of the sandbox are two.
    return type(error.value).__name__ == "StreamError_Closed"


def _failed(error):
    return OSError(errno.EIO, error.value.value.to_debug_string())


class _End(io.RawIOBase):
    """Our end of a pipe to a child."""

    def __init__(self, end):
        self._end, self.stream = end, end.stream()

    def close(self):
        if not self.closed:
            _drop(self.stream)
            _drop(self._end)
        super().close()


class _Output(_End):
    def readable(self):
        return True

    def readinto(self, buffer):
        try:
            data = self.stream.blocking_read(min(len(buffer), CHUNK))
        except Err as error:
            if _is_closed(error):
                return 0
            raise _failed(error) from None
        buffer[: len(data)] = data
        return len(data)

    def take(self):
        """What is there; None at the end."""
        try:
            return self.stream.read(CHUNK)
        except Err as error:
            if _is_closed(error):
                return None
            raise _failed(error) from None


class _Input(_End):
    def writable(self):
        return True

    def write(self, data):
        data = bytes(memoryview(data)[:PIECE])
        try:
            self.stream.blocking_write_and_flush(data)
        except Err as error:
            if _is_closed(error):
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
            raise _failed(error) from None
        return len(data)

    def give(self, data):
        """Writes what there is room for; None when nobody reads."""
        try:
            room = self.stream.check_write()
            if room:
                self.stream.write(bytes(data[:room]))
            return min(room, len(data))
        except Err as error:
            if _is_closed(error):
                return None
            raise _failed(error) from None


# What a child gets: a reader or a writer of the host's; None is nothing.


def _get_handles(self, stdin, stdout, stderr):
    self._files = []  # Descriptors that stand at the end once the child has written.
    self._pumps = []  # Of files without a name: (our end, the descriptor).
    child_in, ours_in = _input(self, stdin)
    child_out, ours_out = _output(self, stdout, host.stdout)
    if stderr is subprocess.STDOUT:
        child_err, ours_err = child_out.copy() if child_out else None, -1
    else:
        child_err, ours_err = _output(self, stderr, host.stderr)
    self._handles = [child_in, child_out, child_err]
    return child_in, ours_in, ours_out, child_out, ours_err, child_err


def _input(self, given):
    if given is None:
        return host.stdin(), -1
    if given is subprocess.DEVNULL:
        return None, -1
    if given is subprocess.PIPE:
        reader, writer = host.pipe()
        return reader, _Input(writer)
    number = given if isinstance(given, int) else given.fileno()
    if number == 0:
        return host.stdin(), -1
    file = _opened(given, number, files.DescriptorFlags.READ)
    if file is None:
        reader, writer = host.pipe()
        self._pumps.append((_Input(writer), number))
        return reader, -1
    return host.Reader.from_stream(file.read_via_stream(os.lseek(number, 0, os.SEEK_CUR))), -1


def _output(self, given, own):
    if given is None:
        return own(), -1
    if given is subprocess.DEVNULL:
        return None, -1
    if given is subprocess.PIPE:
        reader, writer = host.pipe()
        return writer, _Output(reader)
    number = given if isinstance(given, int) else given.fileno()
    if number in (1, 2):
        return (host.stdout if number == 1 else host.stderr)(), -1
    file = _opened(given, number, files.DescriptorFlags.WRITE)
    if file is None:
        reader, writer = host.pipe()
        self._pumps.append((_Output(reader), number))
        return writer, -1
    self._files.append(number)
    return host.Writer.from_stream(file.append_via_stream()), -1


def _opened(given, number, flags):
    """The file behind a descriptor, opened once more by its name; None if that is another one by now."""
    name = getattr(given, "name", None)
    if not isinstance(name, (str, bytes)):
        return None
    path = os.path.abspath(os.fsdecode(name))
    try:
        if not os.path.samestat(os.fstat(number), os.stat(path)):
            return None
    except OSError:
        return None
    for folder, granted in preopens.get_directories():
        relative = os.path.relpath(path, granted) if granted.startswith("/") else ".."
        if not relative.startswith(".."):
            try:
                return folder.open_at(files.PathFlags.SYMLINK_FOLLOW, relative, files.OpenFlags(0), flags)
            except Err:
                return None
    return None


def _close_pipe_fds(self, *handles):
    self._closed_child_pipe_fds = True
    for handle in self._handles:
        if handle is not None:
            _drop(handle)
    self._handles = []


def _execute_child(
    self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell,
    p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, restore_signals, gid, gids, uid, umask,
    start_new_session, process_group,
):
    self._child, self._signal, self._collected = None, None, None
    try:
        if preexec_fn is not None or pass_fds:
            raise ValueError("preexec_fn and pass_fds are not there: a program starts in a sandbox of its own")
        argv = _arguments(args, executable, shell)
        folder = os.path.abspath(os.fsdecode(cwd)) if cwd is not None else os.getcwd()
        if cwd is not None and not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), cwd)
        variables = os.environ if env is None else env
        variables = [(os.fsdecode(name), os.fsdecode(value)) for name, value in variables.items()]
        command = host.Command(argv, variables, folder, p2cread, c2pwrite, errwrite)
        try:
            self._child = host.spawn(command)
        except Err as error:
            raise _refusal(error.value, argv[0]) from None
        self.pid = self._child.id()
        _children[self.pid] = self
    finally:
        self._close_pipe_fds()


def _arguments(args, executable, shell):
    if isinstance(args, (str, bytes, os.PathLike)):
        args = [args]
    argv = [os.fsdecode(argument) for argument in args]
    if shell:
        argv = ["sh", "-c", *argv]
    if executable is not None:
        argv[:1] = [os.fsdecode(executable)]
    return argv


def _refusal(error, name):
    kind = type(error).__name__.removeprefix("SpawnError_")
    if kind == "NotFound":
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    if kind == "NoRoom":
        return BlockingIOError(errno.EAGAIN, error.value)
    if kind == "Invalid":
        return ValueError(error.value)
    number = errno.ENOEXEC if kind == "NotExecutable" else errno.EIO
    return OSError(number, error.value)


# Waiting. Files without a name are filled and read meanwhile.


def _internal_poll(self, *_, **__):
    if self.returncode is None and self._child is not None:
        if self._child.end() is not None:
            _wait(self, None)
    return self.returncode


def _wait(self, timeout):
    if self.returncode is None:
        deadline = None if timeout is None else time.monotonic() + timeout
        jobs = _pump_jobs(self)
        while (end := self._child.end()) is None:
            if not _turn(jobs, self._child, deadline):
                raise subprocess.TimeoutExpired(self.args, timeout)
        while jobs and _turn(jobs, None, None):
            pass
        _reap(self, end)
    return self.returncode


def _reap(self, end):
    """As a parent sees it: what was killed has the negative number of the signal."""
    killed = type(end.outcome).__name__ == "Outcome_Cancelled"
    self.returncode = -(self._signal or signal.SIGKILL) if killed else end.exit_code
    for number in self._files:
        # After a write the C library goes on where that ended, unless it is sent to another place from the start.
        os.lseek(number, 0, os.SEEK_SET)
        os.lseek(number, 0, os.SEEK_END)
    for ours, _ in self._pumps:
        ours.close()
    self._pumps = []
    _children.pop(self.pid, None)


def _communicate(self, input, endtime, orig_timeout):
    if self.stdin and not self._communication_started:
        self.stdin.flush()
    if self._collected is None:
        self._collected = [], []
        data = input if input is not None else b""
        if self.text_mode and isinstance(data, str):
            data = data.encode(self.stdin.encoding, self.stdin.errors) if self.stdin else b""
        self._left = [memoryview(data).cast("B")]
    jobs = _pump_jobs(self)
    if self.stdin and not self.stdin.closed:
        jobs.append(_Feed(_raw(self.stdin), self._left, self.stdin.close))
    for stream, kept in zip((self.stdout, self.stderr), self._collected):
        if stream and not stream.closed:
            jobs.append(_Collect(_raw(stream), kept.append, stream.close))
    while jobs:
        if not _turn(jobs, None, endtime):
            self._check_timeout(endtime, orig_timeout, *self._collected, skip_check_and_raise=True)
    kept = [b"".join(pieces) if stream else None for stream, pieces in zip((self.stdout, self.stderr), self._collected)]
    if self.text_mode:
        kept = [
            data if data is None else self._translate_newlines(data, stream.encoding, stream.errors)
            for stream, data in zip((self.stdout, self.stderr), kept)
        ]
    return tuple(kept)


def _raw(stream):
    while not isinstance(stream, _End):
        stream = stream.buffer if isinstance(stream, io.TextIOWrapper) else getattr(stream, "raw", stream)
    return stream


class _Feed:
    """Writes what is left, and closes."""

    def __init__(self, end, left, close):
        self.end, self.left, self.close = end, left, close

    def step(self):
        data = self.left[0]
        written = self.end.give(data) if data else 0
        if written is None or written == len(data):
            self.left[0] = data[len(data):]
            try:
                self.close()
            except BrokenPipeError:
                pass  # As CPython: who reads no more has its reason.
            return False
        self.left[0] = data[written:]
        return True


class _Collect:
    """Reads to the end."""

    def __init__(self, end, keep, close):
        self.end, self.keep, self.close = end, keep, close

    def step(self):
        data = self.end.take()
        if data is None:
            self.close()
            return False
        if data:
            self.keep(data)
        return True


def _pump_jobs(self):
    jobs = []
    for ours, number in self._pumps:
        if ours.closed:
            continue
        if isinstance(ours, _Input):
            pieces = iter(lambda: os.read(number, CHUNK), b"")
            jobs.append(_Feed(ours, [memoryview(b"".join(pieces))], ours.close))
        else:
            jobs.append(_Collect(ours, lambda data, number=number: os.write(number, data), ours.close))
    return jobs


def _turn(jobs, child, deadline):
    """Waits for what comes first and does it. False when the time is over."""
    waiting = [job.end.stream.subscribe() for job in jobs]
    if child is not None:
        waiting.append(child.subscribe())
    if deadline is not None:
        left = max(0, int((deadline - time.monotonic()) * 1e9))
        waiting.append(monotonic_clock.subscribe_duration(left))
    ready = poll.poll(waiting)
    for pollable in waiting:
        _drop(pollable)
    for job in [jobs[index] for index in ready if index < len(jobs)]:
        if not job.step():
            jobs.remove(job)
    clock = len(waiting) - 1
    return deadline is None or any(index != clock for index in ready)


def send_signal(self, number):
    if self.poll() is None and number:
        self._signal = number
        self._child.kill()


def _forget(self, **_):
    """Who is not waited for goes on, and ends with this program."""


def kill(pid, number):
    if pid in _children:
        _children[pid].send_signal(number)
    elif pid != os.getpid():
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    elif number:
        signal.raise_signal(number)


def system(command):
    code = subprocess.call(command, shell=True)
    return code << 8 if code >= 0 else -code


_which = shutil.which


def which(cmd, mode=os.F_OK | os.X_OK, path=None):
    """Programs lie in no folder; scripts call them by these paths."""
    name = os.fsdecode(cmd)
    folder, _, plain = name.rpartition("/")
    if path is None and folder in ("", "/bin", "/usr/bin", "/usr/local/bin") and plain in host.programs():
        found = name if folder else f"/usr/bin/{plain}"
        return os.fsencode(found) if isinstance(cmd, bytes) else found
    return _which(cmd, mode, path)

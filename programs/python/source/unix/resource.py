"""What a program used, as far as a sandbox can tell. Its limits are its policy's: none can be read or set from inside."""

import collections
import errno
import os
import time

error = OSError
RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD = 0, -1, 1
RLIM_INFINITY = -1
(RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK,
 RLIMIT_AS) = range(10)

struct_rusage = collections.namedtuple(
    "struct_rusage",
    "ru_utime ru_stime ru_maxrss ru_ixrss ru_idrss ru_isrss ru_minflt ru_majflt ru_nswap ru_inblock ru_oublock "
    "ru_msgsnd ru_msgrcv ru_nsignals ru_nvcsw ru_nivcsw",
    module="resource",
)


def getrusage(who):
    if who not in (RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD):
        raise ValueError("invalid who parameter")
    used = 0.0 if who == RUSAGE_CHILDREN else time.process_time()
    return struct_rusage(used, *[0] * 15)


def getrlimit(resource):
    _check(resource)
    return RLIM_INFINITY, RLIM_INFINITY


def setrlimit(resource, limits):
    _check(resource)
    raise OSError(errno.EPERM, f"{os.strerror(errno.EPERM)}: the limits are those of the workspace's policy")


def getpagesize():
    return 65536


def _check(resource):
    if resource not in range(10):
        raise ValueError("invalid resource specified")

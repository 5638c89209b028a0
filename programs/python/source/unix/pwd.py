"""The one user that a sandbox knows: nobody in particular, who is not root."""

import collections
import os

struct_passwd = collections.namedtuple(
    "struct_passwd", "pw_name pw_passwd pw_uid pw_gid pw_gecos pw_dir pw_shell", module="pwd"
)


def getpwall():
    home = os.environ.get("HOME", "/workspace")
    return [struct_passwd("user", "x", os.getuid(), os.getgid(), "", home, "/bin/sh")]


def getpwuid(uid):
    for entry in getpwall():
        if entry.pw_uid == uid:
            return entry
    raise KeyError(f"getpwuid(): uid not found: {uid}")


def getpwnam(name):
    for entry in getpwall():
        if entry.pw_name == name:
            return entry
    raise KeyError(f"getpwnam(): name not found: {name!r}")

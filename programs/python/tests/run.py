#!/usr/bin/env python3
"""Runs every case with a command that behaves like `python`.

    python3 programs/python/tests/run.py COMMAND [ARGUMENT ...]

The command is started in a fresh copy of the case's workspace, with the case's
arguments after its own; WORKSPACE names that copy on this machine. A case is a folder:

    args       one argument per line          workspace/   files to start with
    stdin      what it reads (else nothing)   env          KEY=VALUE per line
    stdout     what it must print             exit         its exit code
    stderr     what it must say; absent: anything
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = Path(__file__).resolve().parent / "cases"


def main():
    failed = [case.name for case in sorted(CASES.iterdir()) if not passes(case, sys.argv[1:])]
    print(f"{len(list(CASES.iterdir())) - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


def passes(case, command):
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        if (case / "workspace").exists():
            shutil.copytree(case / "workspace", workspace)
        else:
            workspace.mkdir()
        variables = dict(line.split("=", 1) for line in read(case / "env").splitlines())
        done = subprocess.run(
            [*command, *read(case / "args").splitlines()],
            cwd=workspace,
            env=os.environ | variables | {"WORKSPACE": str(workspace), "CASE_ENV": " ".join(variables)},
            input=read(case / "stdin").encode(),
            capture_output=True,
        )
    wrong = []
    for name, got in (("stdout", done.stdout), ("stderr", done.stderr), ("exit", f"{done.returncode}\n".encode())):
        if (case / name).exists() and (case / name).read_bytes() != got:
            wrong.append(f"  {name}: wanted {(case / name).read_bytes()!r}\n  {' ' * len(name)}  got    {got!r}")
    if wrong:
        print(f"{case.name} fails", *wrong, sep="\n")
    return not wrong


def read(path):
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    main()

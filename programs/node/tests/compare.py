#!/usr/bin/env python3
"""Runs every snippet with the native `node` and with another command, and compares what they print and their exit codes.

    python3 programs/node/tests/compare.py COMMAND …        # COMMAND is given the arguments that `node` gets

A snippet is a folder in `cases/`: `args` (one argument a line), and whatever else it needs; `input` is its standard input.
`differs` says why it is not the same, if it is known not to be.
It runs in a copy of its folder. What may differ between two systems is replaced before the comparison: see `plain`.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = Path(__file__).resolve().parent / "cases"


def main():
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    wanted = [case for case in sorted(CASES.iterdir()) if (case / "args").exists()]
    failed, known = [], 0
    for case in wanted:
        native, ours = run(["node"], case), run(command, case)
        if native == ours:
            continue
        if (case / "differs").exists():
            known += 1
            continue
        failed.append(case.name)
        print(f"--- {case.name}\nnative: {native}\nours:   {ours}")
    print(f"{len(wanted) - len(failed) - known} of {len(wanted)} are the same, {known} are known to differ")
    if failed:
        sys.exit(1)


def run(command, case):
    with tempfile.TemporaryDirectory(prefix="node-case-") as folder:
        folder = Path(folder).resolve() / "w"
        shutil.copytree(case, folder)
        given = (case / "input").read_bytes() if (case / "input").exists() else b""
        arguments = (case / "args").read_text().splitlines()
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "NODE_CASE_FOLDER": str(folder)}
        done = subprocess.run(command + arguments, cwd=folder, input=given, capture_output=True, env=environment, timeout=300)
        return plain(done.stdout, folder), plain(done.stderr, folder), done.returncode


def plain(output, folder):
    text = output.decode(errors="replace").replace(str(folder), "/workspace")
    text = re.sub(r"v(20|22)\.\d+\.\d+", "vX", text)
    text = re.sub(r"\n    at .*", "\n    at …", text)
    text = re.sub(r"(\n    at …)+", "\n    at …", text)
    text = re.sub(r"duration_ms:? [\d.]+", "duration_ms …", text)
    return re.sub(r"\([\d.]+ms\)", "(…ms)", text)


if __name__ == "__main__":
    main()

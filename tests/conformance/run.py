#!/usr/bin/env python3
"""Runs the WASI test suite through `swarm-flow sandbox`: `tests/conformance/run.py SUITE`.

It fails if a test fails that is not in `expectations.toml`, or if one passes that is.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Dict, List, Tuple

HERE = Path(__file__).resolve().parent
Test = Tuple[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=Path, help="a checkout of the suite with prebuilt guests")
    parser.add_argument("--binary", type=Path, help="the `swarm-flow` to test [default: the newest built here]")
    parser.add_argument("--json", type=Path, help="where to write what the suite says of each test")
    options = parser.parse_args()
    try:
        folders = test_folders(options.suite)
        expected = expectations(HERE / "expectations.toml")
        binary = options.binary or find_binary()
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2

    with tempfile.TemporaryDirectory() as folder:
        log = options.json or Path(folder) / "results.json"
        ran = run_suite(options.suite, folders, binary, log)
        if not log.exists():
            return ran or 1
        results = read_results(log)
    return report(ran, results, expected)


class Problem(Exception):
    """What the caller has to put right."""


def test_folders(suite: Path) -> List[Path]:
    folders = sorted(manifest.parent for manifest in (suite / "tests").glob("**/manifest.json"))
    if not folders:
        raise Problem(f"{suite} is no checkout of the WASI test suite: it has no tests/**/manifest.json")
    if not any(folder.glob("*.wasm") for folder in folders) or not list(folders[0].glob("*.wasm")):
        raise Problem(f"{suite} has no prebuilt guests; check out its branch prod/testsuite-base")
    return folders


def find_binary() -> Path:
    named = os.environ.get("SWARM_FLOW_BINARY")
    if named:
        return Path(named)
    root = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))
    built = [path for path in root.glob("*/swarm-flow") if path.is_file()]
    if not built:
        raise Problem(f"there is no swarm-flow in {root}; `cargo build -p swarm-flow` makes it, or give --binary")
    return max(built, key=lambda path: path.stat().st_mtime)


# The suite asks enumerations for values, which Python 3.11 refuses to answer.
START = """
import enum, sys
contains = enum.EnumType.__contains__
if sys.version_info < (3, 12):
    enum.EnumType.__contains__ = lambda own, it: it in own._value2member_map_ or (isinstance(it, own) and contains(own, it))
sys.path.insert(0, sys.argv.pop(1))
from wasi_test_runner.__main__ import main
sys.exit(main())
"""


def run_suite(suite: Path, folders: List[Path], binary: Path, log: Path) -> int:
    command = [sys.executable, "-c", START, str(suite / "test-runner")]
    command += ["--runtime-adapter", str(HERE / "adapter.py")]
    command += ["--expectations", str(HERE / "expectations.toml")]
    command += ["--json-output-location", str(log), "--disable-colors"]
    command += ["--test-suite", *map(str, folders)]
    environment = {**os.environ, "SWARM_FLOW_BINARY": str(binary.resolve())}
    return subprocess.run(command, env=environment, check=False).returncode


def expectations(path: Path) -> Dict[Test, dict]:
    """Every expected failure, each with its reason and whether plain wasmtime fails too."""
    with open(path, "rb") as file:
        suites = tomllib.load(file).get("suite", [])
    found = {(suite["name"], test["name"]): test for suite in suites for test in suite.get("test", [])}
    for (_, name), test in found.items():
        if not test.get("reason") or test.get("wasmtime") not in ("fails", "passes"):
            raise Problem(f"{path}: `{name}` needs a `reason`, and `wasmtime = \"fails\"` or `\"passes\"`")
    return found


def read_results(log: Path) -> Dict[Test, bool]:
    """Whether each test that ran passed."""
    with open(log, encoding="utf-8") as file:
        runs = json.load(file)["results"]
    return {
        (run["name"], test["name"]): not test["failures"]
        for run in runs
        for test in run["tests"]
        if test["executed"]
    }


def report(ran: int, results: Dict[Test, bool], expected: Dict[Test, dict]) -> int:
    failed = sorted(test for test, passed in results.items() if not passed)
    print(f"\n{len(results) - len(failed)} of {len(results)} tests pass")
    for suite, name in failed:
        known = expected.get((suite, name), {"reason": "nobody knows why", "wasmtime": "?"})
        print(f"  fails: {name} (plain wasmtime: {known['wasmtime']}): {known['reason']}")
    missing = sorted(set(expected) - set(results))
    for _, name in missing:
        print(f"error: expectations.toml names `{name}`, which did not run", file=sys.stderr)
    return 1 if ran or missing else 0


if __name__ == "__main__":
    sys.exit(main())

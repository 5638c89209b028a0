#!/usr/bin/env python3
"""Compares the shell with bash, command by command.

`cases.txt` holds commands and what bash answers: blocks that begin with `%%`, the commands, then `%= CODE` and the
standard output. `compare.py --refresh` takes the answers anew from the native `bash`. Without it the commands run in a
workspace of a server (SWARM_FLOW_URL, SWARM_FLOW_TOKEN, the client in SWARM_FLOW), each in a directory of its own.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CASES = pathlib.Path(__file__).with_name("cases.txt")


def read_cases():
    """Each case: its commands, the exit code, the output."""
    cases = []
    for block in re.split(r"^%%\n", CASES.read_text(encoding="utf-8"), flags=re.M)[1:]:
        commands, _, answer = block.partition("\n%=")
        code, _, output = answer.partition("\n")
        cases.append([commands.rstrip("\n"), int(code or 0), output])
    return cases


def write_cases(cases, header):
    text = header
    for commands, code, output in cases:
        text += f"%%\n{commands}\n%= {code}\n{output}"
    CASES.write_text(text, encoding="utf-8")


def plain(output):
    """Without the numbers of lines in messages: bash does not always give them."""
    text = output.decode("utf-8", "backslashreplace")
    text = re.sub(r"^((?:sh|bash|\S+\.sh): )(?:-c: )?(?:line \d+: )?", r"\1", text, flags=re.M)
    if text and not text.endswith("\n"):
        text += "\\ no newline\n"
    return text


def native(commands, folder, tools):
    path = f"{tools}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    result = subprocess.run(
        ["bash", "-c", commands, "sh"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    # Ended by a signal: as a shell reports it.
    code = result.returncode if result.returncode >= 0 else 128 - result.returncode
    return code, plain(result.stdout)


def ours(commands, folder, workspace):
    client = os.environ.get("SWARM_FLOW", "swarm-flow")
    command = [client, "exec", workspace, "--no-stdin", "-e", "HOME=/root", "--cwd", f"/workspace/{folder}"]
    try:
        result = subprocess.run(
            command + ["--", "sh", "-c", commands, "sh"], capture_output=True, timeout=60
        )
    except subprocess.TimeoutExpired:
        return -1, "it did not end\n", ""
    return result.returncode, plain(result.stdout), result.stderr.decode("utf-8", "replace")


def refresh(cases, header):
    with tempfile.TemporaryDirectory() as tools:
        # A `sh` inside the commands is bash too.
        pathlib.Path(tools, "sh").symlink_to(shutil.which("bash"))
        for case in cases:
            with tempfile.TemporaryDirectory() as folder:
                case[1], case[2] = native(case[0], folder, tools)
    write_cases(cases, header)


def compare(cases, workspace, wanted):
    client = os.environ.get("SWARM_FLOW", "swarm-flow")
    folders = [f"case-{os.getpid()}-{number}" for number in range(len(cases))]
    subprocess.run([client, "exec", workspace, "--no-stdin", "--", "mkdir", *folders], check=True)

    def run(number):
        return number, ours(cases[number][0], folders[number], workspace)

    numbers = [n for n in range(len(cases)) if not wanted or n in wanted]
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for number, (code, output, errors) in pool.map(run, numbers):
            commands, expected_code, expected = cases[number]
            if (code, output) != (expected_code, expected):
                failures += 1
                print(f"--- case {number}\n{commands}")
                print(f"  bash: {expected_code}\n{expected}  ours: {code}\n{output}  stderr: {errors}")
    subprocess.run([client, "exec", workspace, "--no-stdin", "--", "rm", "-rf", *folders], check=False)
    print(f"{len(numbers) - failures} of {len(numbers)} as bash")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--refresh", action="store_true", help="take the answers from the native bash")
    parser.add_argument("--workspace", default="sh-compare", help="the workspace to run in")
    parser.add_argument("case", nargs="*", type=int, help="only these")
    arguments = parser.parse_args()
    cases = read_cases()
    if arguments.refresh:
        header = CASES.read_text(encoding="utf-8").partition("%%\n")[0]
        return refresh(cases, header)
    return 1 if compare(cases, arguments.workspace, set(arguments.case)) else 0


if __name__ == "__main__":
    sys.exit(main())

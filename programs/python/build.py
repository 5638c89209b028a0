#!/usr/bin/env python3
"""Builds the program `python`: CPython 3.14, started and frozen, as one component.

    python3 programs/python/build.py --out FILE [--venv DIR]
    python3 programs/python/build.py --builder [--venv DIR]

Hermetic: the builder sees an empty environment and only `source/` and the
packages named here, so nothing of this machine gets into the image.
The result differs from build to build in one thing, the seed of `hash(str)`,
which CPython draws when it starts and from which dictionaries take their order.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from image import immortalise

HERE = Path(__file__).resolve().parent
WIT = HERE.parents[1] / "wit"
BUILDER = "componentize-py==0.25.1"
TIME_ZONES = "tzdata==2025.2"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, help="the component to write")
    parser.add_argument("--builder", action="store_true", help="only install the builder, bin/componentize-py in the venv")
    parser.add_argument("--venv", type=Path, default=HERE.parents[1] / "target" / "python-venv", help="where the builder is installed")
    options = parser.parse_args()
    if not options.builder and not options.out:
        parser.error("give --out or --builder")
    builder = install(options.venv.resolve())
    if options.builder:
        return
    out = options.out.resolve()
    with tempfile.TemporaryDirectory(prefix="swarm-flow-python-") as folder:
        made = componentize(builder, options.venv.resolve(), Path(folder))
        check(made, options.venv.resolve())
        say(f"made {immortalise(made)} objects immortal")
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_name(out.name + ".part")
        shutil.copyfile(made, partial)
        partial.replace(out)
    say(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB)")


def install(venv):
    """The builder and its data in a virtual environment; nothing to do when they are there."""
    mark = venv / "installed"
    wanted = f"{BUILDER} {TIME_ZONES}"
    builder = venv / "bin" / "componentize-py"
    if builder.exists() and mark.exists() and mark.read_text() == wanted:
        say(f"{wanted} are in {venv}")
        return builder
    say(f"installing {wanted} into {venv}")
    run([sys.executable, "-I", "-m", "venv", "--clear", venv])
    run([venv / "bin" / "python", "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", BUILDER])
    # The data goes to a folder of its own: the venv's packages stay out of the image.
    run([venv / "bin" / "python", "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-compile", "--target", venv / "packages", TIME_ZONES])
    mark.write_text(wanted)
    return builder


def componentize(builder, venv, folder):
    say("filling and freezing the image (about half a minute)")
    source = folder / "source"
    shutil.copytree(HERE / "source", source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(venv / "packages" / "tzdata", source / "tzdata")
    # The builder adds the site-packages of an active environment to the image's
    # path, or else those of any python it finds. An empty environment has none.
    empty = folder / "empty"
    (empty / "lib" / "python3" / "site-packages").mkdir(parents=True)
    made = folder / "python.wasm"
    wit = contracts(folder / "wit")
    environment = {
        "HOME": str(empty),
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "VIRTUAL_ENV": str(empty),
    }
    run([venv / "bin" / "python", "-I", builder, "--wit-path", wit, "--world", "python",
         "componentize", "--python-path", source, "--output", made, "app"], env=environment, cwd=empty)
    return made


def contracts(folder):
    """The program's world, and what it names, beside it."""
    shutil.copytree(HERE / "wit", folder)
    core = folder / "deps" / "core"
    core.mkdir(parents=True)
    for name in ("process.wit", "types.wit"):
        shutil.copyfile(WIT / name, core / name)
    for name in ("cli", "clocks", "filesystem", "io", "random", "sockets"):
        shutil.copyfile(WIT / "deps" / f"{name}.wit", folder / "deps" / f"{name}.wit")
    return folder


def check(made, venv):
    """No path of this machine may be in the image."""
    content = made.read_bytes()
    for path in {str(HERE), str(venv), sys.prefix, tempfile.gettempdir() + "/swarm-flow-python-"}:
        if len(path) > 4 and os.fsencode(path) in content:
            sys.exit(f"the image names {path}, a path of this machine")


def run(command, **kwargs):
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}")


def say(line):
    print(line, flush=True)


if __name__ == "__main__":
    main()

"""How the WASI test suite runs a test by `swarm-flow sandbox`.

The suite loads this file as a module and asks it for a command line. Each test is granted what it needs and no more: its
directory, its variables, and loopback addresses if it is about HTTP or sockets.
"""

import os
import subprocess
from pathlib import Path
from typing import Dict, List, Optional, Tuple

BINARY = os.environ.get("SWARM_FLOW_BINARY", "swarm-flow")


def get_name() -> str:
    return "swarm-flow"


def get_version() -> str:
    result = subprocess.run(
        [BINARY, "--version"], encoding="UTF-8", capture_output=True, check=True
    )
    return result.stdout.split()[-1]


def get_wasi_versions() -> List[str]:
    return ["wasm32-wasip1", "wasm32-wasip3"]


def get_wasi_worlds() -> List[str]:
    return ["wasi:cli/command", "wasi:http/service"]


def get_timeout_seconds() -> float:
    # A debug build on a busy machine takes seconds to compile a guest that it has not seen.
    return 60.0


def compute_argv(
    test_path: str,
    args_env_root: Tuple[List[str], Dict[str, str], Optional[str]],
    proposals: List[str],
    wasi_world: str,
    wasi_version: str,
) -> List[str]:
    args, env, root = args_env_root
    serve = wasi_world == "wasi:http/service"
    argv = [BINARY, "sandbox", "serve" if serve else "run", test_path]
    for name, value in env.items():
        argv += ["--env", f"{name}={value}"]
    if root:
        # The suite removes what a test leaves behind, but for symlinks, on which the next test stumbles.
        for left in Path(root).glob("**/*.cleanup"):
            if left.is_symlink():
                left.unlink()
        argv += ["--dir", f"{root}::/"]
    if "http" in proposals or "sockets" in proposals:
        argv += ["--net", "localhost"]
    if args:
        argv += ["--", *args]
    return argv

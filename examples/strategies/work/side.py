"""Argues for a compressor: says how small it makes the files, and tries harder when it hears of something smaller."""

import json
import pathlib
import subprocess
import sys

name = sys.argv[1]
data = b"".join(path.read_bytes() for path in sorted(pathlib.Path(sys.argv[2]).glob("*.md")))
heard = [json.loads(json.loads(line)["output"]) for line in sys.stdin]
mine = next((one for one in heard if one["name"] == name), None)
level = mine["level"] if mine else 1
if mine and any(one["bytes"] < mine["bytes"] for one in heard):
    level = min(level + 4, 9)
packed = subprocess.run([name, f"-{level}", "-c"], input=data, capture_output=True, check=True).stdout
print(json.dumps({"name": name, "level": level, "bytes": len(packed)}))

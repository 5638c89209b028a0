"""Divides files among workers, so that each has about as much to read. Makes a task for each."""

import json
import pathlib
import sys

shares = [[] for _ in range(int(sys.argv[1]))]
bytes_of = [0] * len(shares)
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.md"), key=lambda path: -path.stat().st_size):
    least = bytes_of.index(min(bytes_of))
    shares[least].append(str(path))
    bytes_of[least] += path.stat().st_size
tasks = [
    {"id": f"count {number}", "context": {"command": ["python", "count.py", *files]}}
    for number, files in enumerate(shares, 1)
    if files
]
print(json.dumps(tasks))

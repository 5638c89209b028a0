"""Divides files among workers, so that each has about as much to read. Says who reads what as JSON."""

import json
import pathlib
import sys

shares = [[] for _ in range(int(sys.argv[1]))]
bytes_of = [0] * len(shares)
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.md"), key=lambda path: -path.stat().st_size):
    least = bytes_of.index(min(bytes_of))
    shares[least].append(str(path))
    bytes_of[least] += path.stat().st_size
print(json.dumps(shares))

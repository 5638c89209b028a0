"""Adds up what the shards said, and fails when a test failed."""

import json
import sys

shards = [json.loads(line) for line in sys.stdin]
failed = [name for shard in shards for name in shard["failed"]]
for shard in shards:
    print(f"{shard['shard']}: {shard['ran']} tests in {shard['seconds']} s")
print(f"{sum(shard['ran'] for shard in shards)} tests in {len(shards)} shards, {len(failed)} failed")
for name in failed:
    print(name)
sys.exit(bool(failed))

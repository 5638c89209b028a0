"""Adds up what the workers counted. The plan is an input too."""

import collections
import json
import sys

words = collections.Counter()
for line in sys.stdin:
    came = json.loads(line)
    if came["task"].startswith("plan/count"):
        words.update(json.loads(came["output"])["words"])
print(", ".join(f"{word} {count}" for word, count in words.most_common(5)))

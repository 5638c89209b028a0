"""Counts the words in files."""

import collections
import json
import pathlib
import re
import sys

mine = sys.argv[1:]
words = collections.Counter()
for path in mine:
    words.update(re.findall(r"[a-z]{5,}", pathlib.Path(path).read_text().lower()))
print(json.dumps({"files": mine, "words": words}))

import os, random, tempfile, time, uuid

# An image that kept its seed would give the same numbers at every start. The
# state of a known seed is ruled out; two sources of the host must differ too.
state = random.getstate()
assert len({random.random(), random.random(), os.urandom(8), uuid.uuid4()}) == 4
random.seed(0)
assert random.getstate() != state
assert abs(time.time() - os.stat(__file__).st_mtime) < 10 * 365 * 86400
with tempfile.TemporaryDirectory(dir=".") as folder:
    assert os.path.isdir(folder)
print("fresh")

import os
import shutil
import stat
import subprocess

with open(os.devnull, "w") as null:
    print("written", null.write("x" * 100_000), null.isatty(), null.fileno() > 2)
with open(os.devnull, "r+b") as null:
    null.write(b"x")
    null.seek(0)
    print("read", null.read())
descriptor = os.open(os.devnull, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
print(os.write(descriptor, b"abc"), os.read(descriptor, 3), os.lseek(descriptor, 0, os.SEEK_END))
print(stat.S_ISCHR(os.fstat(descriptor).st_mode), stat.S_ISCHR(os.stat("/dev/zero").st_mode), os.path.isfile("/dev/null"))
print(sorted(os.listdir("/dev")))
with open("/dev/zero", "rb") as zero, open("/dev/urandom", "rb", buffering=0) as random:
    print(zero.read(4), len(random.read(16)), random.read(16) != random.read(16))
try:
    with open("/dev/full", "w") as full:
        full.write("x")
except OSError as error:
    print(type(error).__name__)
shutil.copyfile("/dev/null", "empty")
print(os.path.getsize("empty"))
with open(os.devnull) as nothing, open(os.devnull, "w") as nowhere:
    print(subprocess.run(["cat"], stdin=nothing, capture_output=True).stdout)
    print(subprocess.run(["printf", "gone"], stdout=nowhere).returncode)
print(subprocess.run(["cat"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode)
for change in (os.remove, os.rmdir, lambda path: open(path + "x", "w"), lambda path: os.rename(path, "null"), lambda path: os.mkdir(path + "d")):
    try:
        change("/dev/null")
    except OSError as error:
        print(type(error).__name__)
print(end="", flush=True)
with open("/dev/stdout", "w") as out:
    print("to standard output", file=out)
with open("/dev/stdin") as given:
    print(given.read().split())

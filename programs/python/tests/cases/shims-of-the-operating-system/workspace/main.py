import os, sys, time, zipfile

before = os.umask(0o077)
print(before, len(open(os.devnull).read()))
print(os.getuid(), os.getpid() > 0)
print(open(os.devnull, "w").write("gone"), open(os.devnull, "rb").read())
try:
    os.get_terminal_size()
except OSError:
    print("no terminal")
assert 0 <= time.process_time() < 60
with zipfile.ZipFile("a.zip", "w") as archive:
    archive.write("main.py")
print(f"{archive.infolist()[0].external_attr >> 16 & 0o777:o}")

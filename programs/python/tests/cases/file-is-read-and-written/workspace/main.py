import os
import sqlite3


def fresh(mode="r+b"):
    with open("x", "wb") as file:
        file.write(b"0123456789")
    return open("x", mode, buffering=0)


def shown():
    with open("x", "rb") as file:
        return file.read().decode()


file = fresh()
file.write(b"ab")
print("end", file.seek(0, 2), file.tell())
file.write(b"zz")
print("after the end", shown())

file = fresh()
file.write(b"ab")
print("read on", file.read(3).decode())
file.write(b"ZZ")
print("written on", shown(), file.tell())
print("and read", file.read(2).decode())

file = fresh()
file.read(3)
file.seek(0, os.SEEK_END)
print("nothing is left", file.read(3), file.seek(-2, 2), file.read())
try:
    file.seek(-20, os.SEEK_END)
except OSError as error:
    print(error.strerror, file.tell())

file, other = fresh(), open("y", "w+b", buffering=0)
for number in range(3):
    other.write(file.read(2))
    file.write(b"%d" % number)
    other.seek(0)
    print("in turns", other.read(10).decode(), file.tell())
    other.seek(0, 2)
print(shown())

file = fresh("a+b")
file.write(b"ab")
print("append", file.read(5), file.seek(2), file.read(3), file.seek(0, 2), file.read(3))
file.write(b"cd")
print(shown())

file = fresh("w+b")
print("seek in what is empty", file.seek(0, 2), file.write(b"abc"), file.seek(0, 2), file.write(b"d"), shown())

with open("text", "w+") as file:
    file.write("one\n")
    file.flush()
    file.read()
    file.write("two\n")
    file.seek(0)
    print(file.read().split(), file.write("three\n"), file.seek(0), file.readlines())

read, write = open("x", "rb", buffering=0), os.open("x", os.O_RDWR)
os.write(write, b"AB")
print(os.pread(write, 2, 1), os.pwrite(write, b"P", 3), os.read(write, 2), os.lseek(write, 0, os.SEEK_END), read.read())

database = sqlite3.connect("data")
database.executescript("create table t(n); pragma cache_size=1; begin")
database.executemany("insert into t values (?)", ([b"x" * 900 + b"%d" % n] for n in range(500)))
database.commit()
database.execute("update t set n = n || 'y' where rowid % 3 = 0")
database.commit()
print(*database.execute("pragma integrity_check").fetchone(), *database.execute("select sum(length(n)) from t").fetchone())

import os, subprocess, sys, tempfile

ECHO = [sys.executable, "-c", "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); sys.exit(len(data) % 256)"]
SPIN = [sys.executable, "-c", "while True: pass"]

print(subprocess.run(ECHO, input="some text", text=True, stdout=subprocess.PIPE))
print(len(subprocess.run(ECHO, input=bytes(range(256)) * 1000, capture_output=True).stdout))
try:
    subprocess.run(["nothing"])
except FileNotFoundError as error:
    print(error.strerror, error.filename)
try:
    subprocess.run(ECHO, cwd="nowhere")
except FileNotFoundError as error:
    print(error.strerror, error.filename)
with open("kept", "w") as file:
    file.write("before\n")
    file.flush()
    subprocess.run([sys.executable, "-c", "print('child')"], stdout=file)
    file.write("after\n")
with open("kept") as file:
    os.lseek(file.fileno(), 7, os.SEEK_SET)
    print(subprocess.run(ECHO, stdin=file, stdout=subprocess.PIPE).stdout)
with tempfile.TemporaryFile() as file:
    subprocess.run([sys.executable, "-c", "print('no name')"], stdout=file)
    file.seek(0)
    print(file.read())
try:
    subprocess.run(SPIN, timeout=0.2)
except subprocess.TimeoutExpired as error:
    print("too slow:", error.timeout)
with subprocess.Popen(SPIN) as child:
    print(child.poll())
    child.terminate()
    print(child.wait())
with subprocess.Popen(ECHO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
    child.stdin.write("written ")
    print(child.communicate("and communicated"), child.returncode)
both = subprocess.run([sys.executable, "-c", "import sys; print('out'); sys.stdout.flush(); print('err', file=sys.stderr)"],
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
print(both.stdout)
print(subprocess.run([sys.executable, "-c", "import os; print(os.environ['A'], os.getcwd())"],
                     env={"A": "b"}, cwd="/tmp", capture_output=True, text=True).stdout)

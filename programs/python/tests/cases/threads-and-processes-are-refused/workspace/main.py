import os, subprocess, threading

try:
    threading.Thread(target=print).start()
except RuntimeError as error:
    print(error)
try:
    subprocess.run(["true"])
except OSError as error:
    print(error.strerror)
try:
    os.system("true")
except OSError as error:
    print(error.strerror)

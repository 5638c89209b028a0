import os, subprocess

try:
    subprocess.run(["true"])
except OSError as error:
    print(error.strerror)
try:
    os.system("true")
except OSError as error:
    print(error.strerror)

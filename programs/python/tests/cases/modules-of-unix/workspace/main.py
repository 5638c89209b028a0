import getpass
import grp
import os
import pwd
import resource
import sys
import termios
import tty

try:
    termios.tcgetattr(sys.stdin.fileno())
except termios.error as error:
    print(error)
try:
    tty.setraw(0)
except termios.error as error:
    print(error.args[0])
print(pwd.getpwuid(os.getuid()).pw_dir == os.environ["HOME"], pwd.getpwnam("user").pw_shell, getpass.getuser())
try:
    pwd.getpwnam("nobody")
except KeyError as error:
    print(error)
print(grp.getgrgid(os.getgid()).gr_name, os.path.expanduser("~user") == os.environ["HOME"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_utime >= 0, resource.getrlimit(resource.RLIMIT_NOFILE))
try:
    resource.setrlimit(resource.RLIMIT_AS, (1, 1))
except OSError as error:
    print(error)

"""No descriptor of a sandbox is a terminal, so every call fails as it does on a file.

The names are those that programs ask for, with Linux's numbers.
"""

import errno
import os

ECHO, ECHONL, ICANON, ICRNL, IEXTEN, INPCK, ISIG, ISTRIP, IXON = 0o10, 0o100, 0o2, 0o400, 0o100000, 0o20, 0o1, 0o40, 0o2000
BRKINT, IGNBRK, IGNCR, IGNPAR, INLCR, IXANY, IXOFF, PARMRK = 0o2, 0o1, 0o200, 0o4, 0o100, 0o4000, 0o10000, 0o10
ONLCR, OPOST, CSIZE, CS5, CS6, CS7, CS8, PARENB, CREAD, CLOCAL, HUPCL = 0o4, 0o1, 0o60, 0, 0o20, 0o40, 0o60, 0o400, 0o200, 0o4000, 0o2000
ECHOCTL, ECHOE, ECHOK, ECHOKE, NOFLSH, TOSTOP = 0o1000, 0o20, 0o40, 0o4000, 0o200, 0o400
TCSANOW, TCSADRAIN, TCSAFLUSH = 0, 1, 2
TCIFLUSH, TCOFLUSH, TCIOFLUSH = 0, 1, 2
TCOOFF, TCOON, TCIOFF, TCION = 0, 1, 2, 3
VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN = 0, 1, 2, 3, 4, 5, 6
VSTART, VSTOP, VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2 = 8, 9, 10, 11, 12, 13, 14, 15, 16
NCCS = 32
B0, B9600, B19200, B38400, B57600, B115200 = 0, 13, 14, 15, 4097, 4098
TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP, TIOCSCTTY, TIOCNOTTY, FIONREAD = 0x5413, 0x5414, 0x540F, 0x540E, 0x5422, 0x541B


class error(Exception):
    pass


def _no_terminal(*_):
    raise error(errno.ENOTTY, os.strerror(errno.ENOTTY))


tcgetattr = tcsetattr = tcsendbreak = tcdrain = tcflush = tcflow = tcgetwinsize = tcsetwinsize = _no_terminal

"""The command line and the PYTHON* variables, read as CPython reads them."""

SHORT = "bBc:dEhiIm:OPqRsStuvVW:xX:?"
LONG = ("help", "help-all", "help-env", "help-xoptions", "version")

USAGE = "usage: {} [option] ... [-c cmd | -m mod | file | -] [arg] ..."

HELP = """\
Options (and corresponding environment variables):
-B     : don't write .pyc files on import; also PYTHONDONTWRITEBYTECODE=x
-c cmd : program passed in as string (terminates option list)
-E     : ignore PYTHON* environment variables (such as PYTHONPATH)
-h     : print this help message and exit (also -? or --help)
-I     : isolate Python from the user's environment (implies -E, -P and -s)
-m mod : run library module as a script (terminates option list)
-O     : remove assert and __debug__-dependent statements; also PYTHONOPTIMIZE=x
-OO    : do -O changes and also discard docstrings
-P     : don't prepend a potentially unsafe path to sys.path; also PYTHONSAFEPATH
-u     : force the stdout and stderr streams to be unbuffered; also PYTHONUNBUFFERED=x
-V     : print the Python version number and exit (also --version)
         when given twice, print more information about the build
-W arg : warning control; also PYTHONWARNINGS=arg
-x     : skip first line of source, allowing use of non-Unix forms of #!cmd
-X opt : set implementation-specific option
-b -d -q -R -s -S -v : accepted; they change sys.flags and nothing else here
-i     : refused: a sandbox has no prompt to leave you at

Arguments:
file   : program read from script file
-      : program read from stdin (default)
arg ...: arguments passed to program in sys.argv[1:]

Other environment variables:
PYTHONPATH, PYTHONIOENCODING, PYTHONINTMAXSTRDIGITS, PYTHONPYCACHEPREFIX, PYTHONDEVMODE"""


class UsageError(Exception):
    """The command line cannot be read: CPython prints this and exits with 2."""


class Options:
    def __init__(self):
        self.command = None  # -c
        self.module = None  # -m
        self.arguments = []  # what is left: the script and its arguments
        self.counts = {}  # letter -> how often it was given
        self.warnings = []
        self.implementation = {}  # -X
        self.environment = {}  # the PYTHON* variables that are set and not ignored

    def given(self, letter, variable=None):
        """How often an option was given; a variable counts as its number, or as one."""
        return max(self.counts.get(letter, 0), _level(self.environment.get(variable, "")))


def _level(text):
    if not text:
        return 0
    return max(int(text), 1) if text.isdecimal() else 1


def parse(argv, environ):
    options = Options()
    counts = options.counts
    rest = argv[1:]
    while rest and rest[0] != "-" and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            _parse_long(word, rest, counts)
            continue
        if _parse_short(word[1:], rest, options):
            break
    options.arguments = rest
    if not (counts.get("E") or counts.get("I")):
        options.environment = {k: v for k, v in environ.items() if k.startswith("PYTHON") and v}
    if given := options.environment.get("PYTHONWARNINGS"):
        options.warnings[:0] = given.split(",")
    return options


def _parse_long(word, rest, counts):
    name = word[2:]
    if name == "check-hash-based-pycs":
        if not rest:
            raise UsageError(f"Argument expected for the {word} option")
        rest.pop(0)
        return
    if name not in LONG:
        raise UsageError(f"unknown option {word}")
    letter = "V" if name == "version" else "h"
    counts[letter] = counts.get(letter, 0) + 1


def _parse_short(letters, rest, options):
    """Read a cluster such as `-uB` or `-Wonce`. True: the option list ends here."""
    while letters:
        letter, letters = letters[0], letters[1:]
        at = SHORT.find(letter)
        if at < 0 or letter == ":":
            raise UsageError(f"Unknown option: -{letter}")
        letter = "h" if letter == "?" else letter
        options.counts[letter] = options.counts.get(letter, 0) + 1
        if SHORT[at + 1:at + 2] != ":":
            continue
        if not letters and not rest:
            raise UsageError(f"Argument expected for the -{letter} option")
        value, letters = letters or rest.pop(0), ""
        if letter == "c":
            options.command = value
        elif letter == "m":
            options.module = value
        elif letter == "W":
            options.warnings.append(value)
        else:
            name, equals, setting = value.partition("=")
            options.implementation[name] = setting if equals else True
        if letter in "cm":
            return True
    return False

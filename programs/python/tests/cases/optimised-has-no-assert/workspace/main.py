import sys
assert False
print(__debug__, sys.flags.optimize)

import sys
print(__name__, __package__, sys.argv[0], sys.argv[1:], sys.path[0])

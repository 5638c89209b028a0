import sys, part
print(sys.path[0], part.seven)

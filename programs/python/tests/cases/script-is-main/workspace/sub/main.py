import os, pickle, sys
from dataclasses import dataclass
import neighbour

@dataclass
class Point:
    x: int

print(__name__, __file__, sys.argv, sys.path[0], os.getcwd())
print(neighbour.__name__)
print(pickle.loads(pickle.dumps(Point(1))))

import io, sys

class Full(io.StringIO):
    def flush(self):
        raise OSError("full")

sys.stdout = Full()
print("lost")

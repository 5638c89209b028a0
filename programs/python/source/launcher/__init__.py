"""What turns CPython in a sandbox into the program `python`."""

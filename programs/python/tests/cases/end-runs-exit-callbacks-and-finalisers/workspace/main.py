import atexit

class Guard:
    def __del__(self):
        print("finaliser")

guard = Guard()
atexit.register(print, "callback")
print("main")

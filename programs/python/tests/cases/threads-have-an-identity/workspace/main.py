import threading

local = threading.local()
local.name = "main"
main = threading.get_ident()


def who():
    thread = threading.current_thread()
    print(thread.name, thread.daemon, thread.is_alive(), hasattr(local, "name"))
    print(threading.get_ident() != main, thread.ident == threading.get_ident() == thread.native_id)
    local.name = thread.name
    if thread.name == "outer":
        inner = threading.Thread(target=who, name="inner")
        inner.start()
        inner.join()
        print(thread is threading.current_thread(), local.name)


for thread in threading.Thread(target=who, name="outer"), threading.Thread(target=who, name="demon", daemon=True):
    thread.start()
    print(thread.is_alive(), threading.active_count())
    thread.join()
    print(thread.is_alive(), threading.active_count())
print(local.name, threading.current_thread() is threading.main_thread(), threading.get_ident() == main)

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor


async def main():
    loop = asyncio.get_running_loop()
    to_thread = asyncio.to_thread
    print(await asyncio.gather(to_thread(pow, 2, 5), to_thread(lambda: threading.current_thread().name[:8])))
    with ThreadPoolExecutor() as pool:
        # A loop in a thread beside the loop that waits.
        print(await loop.run_in_executor(pool, lambda: asyncio.run(asyncio.sleep(0.001, "inner"))))
    event = asyncio.Event()
    threading.Thread(target=lambda: loop.call_soon_threadsafe(event.set)).start()
    await event.wait()
    print(asyncio.current_task() is not None)


asyncio.run(main())

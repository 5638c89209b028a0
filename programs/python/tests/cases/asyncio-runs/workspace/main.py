import asyncio

async def main():
    print(await asyncio.gather(*(asyncio.sleep(0.001, n) for n in range(3))))
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.001)
    except TimeoutError:
        print("late")
    print(await asyncio.to_thread(lambda: "in place"))

asyncio.run(main())

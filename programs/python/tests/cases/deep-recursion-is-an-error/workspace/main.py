import json

# The host must give enough stack that CPython's own limits are met first.
for attempt in (lambda: json.loads("[" * 100_000), (lambda f: lambda: f(f))(lambda f: f(f)), lambda: eval("[" * 3000)):
    try:
        attempt()
    except (MemoryError, RecursionError) as error:
        print(type(error).__name__)

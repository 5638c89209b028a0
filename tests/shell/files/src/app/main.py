import os
import sys

from app.store import Store, load


def main(argv):
    # TODO: read the port from the configuration
    port = int(os.environ.get("PORT", "8080"))
    store = Store(load("data/items.csv"))
    print(f"serving {len(store)} items on {port}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

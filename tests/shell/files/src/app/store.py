import csv


class Store:
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def find(self, name):
        # TODO: an index
        return [item for item in self.items if item["name"] == name]


def load(path):
    with open(path) as file:
        return list(csv.DictReader(file))

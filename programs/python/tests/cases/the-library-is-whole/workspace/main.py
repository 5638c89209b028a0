import importlib, importlib.resources, inspect, pkgutil, sys, zoneinfo

for name in """argparse ast asyncio base64 bisect calendar colorsys configparser contextlib csv dataclasses datetime
        decimal difflib doctest email.mime.text fractions graphlib gzip hashlib html.parser http.client http.cookiejar
        imaplib ipaddress json.tool logging.config mailbox netrc optparse pdb plistlib pprint pydoc random sched secrets
        shelve sqlite3 statistics tarfile timeit tomllib trace turtle_is_left_out unittest.mock urllib.request venv
        wave webbrowser wsgiref.util xml.dom.minidom xmlrpc.server zipapp zipfile zlib""".split():
    if name != "turtle_is_left_out":
        importlib.import_module(name)
assert "class JSONDecodeError" in inspect.getsource(importlib.import_module("json.decoder"))
assert pkgutil.get_data("pydoc_data", "_pydoc.css")
assert importlib.resources.files("email").joinpath("architecture.rst").read_text()
assert zoneinfo.ZoneInfo("Europe/Paris").utcoffset(importlib.import_module("datetime").datetime(2024, 7, 1)).seconds == 7200
assert {"asyncio", "json", "unittest"} <= {module.name for module in pkgutil.iter_modules()}
print("whole")

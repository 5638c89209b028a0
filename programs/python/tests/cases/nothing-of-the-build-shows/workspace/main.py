import asyncio, json, sys, sysconfig, unittest

assert sys.path == ["/workspace", "/usr/lib/python3.14"], sys.path
assert sys.prefix == sys.base_prefix == "/usr"
for name, module in sys.modules.items():
    assert not name.startswith(("app", "componentize_py", "launcher", "wit_world")), name
    file = getattr(module, "__file__", None) or "/workspace"
    assert file.startswith(("/usr/lib/python3.14", "/workspace")), file
print("nothing")

"""The memory of a built component, and one change to it: its objects become immortal.

CPython counts the references to an object inside the object. In an image that
is mapped copy-on-write each count is a page to copy. An object whose count is
above a limit is never counted; `launcher.warm` lists those that the image keeps.
"""

import bisect
import struct

MARK = (0x6C5F9A31, 0x13D7E248, 0x7A04B96D, 0x25C1F08E)  # As in `launcher.warm`.
IMMORTAL = 5 << 28  # CPython 3.14, Include/refcount.h: _Py_IMMORTAL_INITIAL_REFCNT of 32 bits.
COUNT_MAX = 1 << 28  # More is immortal already, or is no count.

CORE_MODULE, DATA = 1, 11  # Section numbers of a component and of a module.
I32_CONST, END = 0x41, 0x0B


def immortalise(file):
    """Change the component in place; how many objects."""
    content = bytearray(file.read_bytes())
    at = content.find(struct.pack("<4I", *(number ^ 0xFFFFFFFF for number in MARK)))
    if at < 0:
        raise ValueError("the image has no list of objects")
    (length,) = struct.unpack_from("<I", content, at + 16)
    objects = set(struct.iter_unpack("<2I", content[at + 20:at + 4 * length]))
    content[at:at + 4 * length] = bytes(4 * length)
    segments = sorted(_segments(content))
    starts = [start for start, _, _ in segments]
    done = 0
    for address, type_address in objects:
        start, offset, size = segments[bisect.bisect(starts, address) - 1]
        if not 0 <= address - start <= size - 8:
            continue
        offset += address - start
        count, has_type = struct.unpack_from("<2I", content, offset)
        # An object that died since has made way for the allocator's own pointers.
        if 0 < count < COUNT_MAX and has_type == type_address:
            struct.pack_into("<I", content, offset, IMMORTAL)
            done += 1
    file.write_bytes(content)
    return done


def _segments(content):
    """(address, offset in the file, size) of what fills the memory."""
    for kind, start, end in _sections(content, 8, len(content)):
        if kind != CORE_MODULE:
            continue
        for kind, at, end in _sections(content, start + 8, end):
            if kind == DATA:
                yield from _module_segments(content, at)
                return  # The builder puts the whole memory into the first module.


def _module_segments(content, at):
    count, at = _unsigned(content, at)
    for _ in range(count):
        if content[at] or content[at + 1] != I32_CONST:
            raise ValueError("a data segment without a plain address")
        address, at = _unsigned(content, at + 2)  # Signed, but no memory here reaches 2 GiB.
        if content[at] != END:
            raise ValueError("a data segment without a plain address")
        size, at = _unsigned(content, at + 1)
        yield address, at, size
        at += size


def _sections(content, at, end):
    while at < end:
        kind = content[at]
        size, at = _unsigned(content, at + 1)
        yield kind, at, at + size
        at += size


def _unsigned(content, at):
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at

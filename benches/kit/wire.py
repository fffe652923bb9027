"""Protobuf's wire format, as much of it as the requests and answers need."""

import struct


def varint(number):
    """A number, seven bits a byte."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """A field whose value is an integer, a text or bytes (which a message is, too)."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    """A message of (number, value) in order; None is left out."""
    return b"".join(field(number, value) for number, value in fields if value is not None)


def int_wrapper(number):
    """The value of `io.statefun.types/int`; zero is no bytes at all."""
    return b"\x0d" + struct.pack("<i", number) if number else b""


def read_int_wrapper(raw):
    """The number in a value of `io.statefun.types/int`."""
    return struct.unpack("<i", raw[1:])[0] if raw else 0


def parse(raw):
    """Field number -> its values in order: integers, or bytes. ValueError where it is cut short."""
    found, at = {}, 0
    while at < len(raw):
        tag, at = _read_varint(raw, at)
        if tag & 7 == 0:
            value, at = _read_varint(raw, at)
        else:
            length, at = _length(tag & 7, raw, at)
            if at + length > len(raw):
                raise ValueError(f"field {tag >> 3} is cut short")
            value, at = raw[at : at + length], at + length
        found.setdefault(tag >> 3, []).append(value)
    return found


def _length(kind, raw, at):
    if kind == 2:
        return _read_varint(raw, at)
    if kind in (1, 5):
        return (8 if kind == 1 else 4), at
    raise ValueError(f"wire type {kind}: expected one of 0, 1, 2, 5")


def _read_varint(raw, at):
    number = shift = 0
    while at < len(raw):
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise ValueError("a number is cut short")

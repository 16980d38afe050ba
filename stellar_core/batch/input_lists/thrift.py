"""Read Thrift's compact protocol, which Parquet uses for its metadata, with a limit on the number of values.

Parsers at hand have no such limit, and some bytes of a hostile footer can state billions of values.
"""

from __future__ import annotations

import struct

#: Most levels of nested structures and lists; Parquet has ten.
_DEPTH = 24


class Compact:
    """A reader of consecutive values.

    Parameters
    ----------
    data : bytes
    most : int
        Most values that are read.
    """

    def __init__(self, data: bytes, most: int) -> None:
        self.data, self.at, self.left = data, 0, most

    def struct(self, depth: int = 0) -> dict[int, object]:
        """Read a structure; return its values by field number.

        Raises
        ------
        ValueError, IndexError, struct.error
            If it is damaged or truncated.
        OverflowError
            If it has too many values.
        """
        found: dict[int, object] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else _signed(self._whole())
            found[number] = self._value(head & 15, depth)
        return found

    def _value(self, kind: int, depth: int, listed: bool = False) -> object:
        if depth > _DEPTH:
            raise ValueError("too deep")
        self.left -= 1
        if self.left < 0:
            raise OverflowError("too many values")
        if kind in (1, 2):
            return self._byte() == 1 if listed else kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return _signed(self._whole())
        if kind == 7:
            return struct.unpack("<d", self._bytes(8))[0]
        if kind == 8:
            return self._bytes(self._whole())
        if kind in (9, 10):
            head = self._byte()
            size = self._whole() if head >> 4 == 15 else head >> 4
            if self._fits(size) > self.left:
                raise OverflowError("too many values")
            return [self._value(head & 15, depth + 1, listed=True) for _ in range(size)]
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError(f"no type {kind} in Parquet")

    def _fits(self, size: int) -> int:
        if size > len(self.data) - self.at:
            raise ValueError("more values than bytes")
        return size

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _bytes(self, size: int) -> bytes:
        self.at += self._fits(size)
        return self.data[self.at - size : self.at]

    def _whole(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError("an endless number")


def _signed(value: int) -> int:
    return value >> 1 ^ -(value & 1)

"""Messages to and from a parser: plain values as JSON, and arrays as bytes.

Reading a message creates no other objects, and every size is checked before it is used.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import numpy as np

#: Largest size of the plain values and of the arrays, bytes.
MOST_VALUES, MOST_BYTES = 1_000_000, 64_000_000
_SIZES = struct.Struct("!IQ")
_TYPES = ("<f8", "<i8", "|u1")


class FrameError(ValueError):
    """Bytes that are no frame, a truncated frame, or impossible values."""


def write(file: BinaryIO, values: Mapping[str, object], body: bytes = b"") -> None:
    """Write one frame."""
    head = json.dumps(values).encode()
    file.write(_SIZES.pack(len(head), len(body)))
    file.write(head)
    file.write(body)
    file.flush()


def read(file: BinaryIO, most: int = MOST_BYTES) -> tuple[dict[str, object], bytes]:
    """Read one frame with at most ``most`` bytes of arrays.

    Raises
    ------
    EOFError
        If there is none.
    FrameError
        If it is truncated, too large or no frame.
    """
    start = file.read(_SIZES.size)
    if not start:
        raise EOFError
    if len(start) < _SIZES.size:
        raise FrameError("cut short")
    values, body = _SIZES.unpack(start)
    if values > MOST_VALUES or body > most:
        raise FrameError("too large")
    head, data = file.read(values), file.read(body)
    if len(head) < values or len(data) < body:
        raise FrameError("cut short")
    try:
        found = json.loads(head)
    except (ValueError, RecursionError):
        raise FrameError("no JSON") from None
    if not isinstance(found, dict):
        raise FrameError("no mapping")
    return found, data


def pack(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, list], bytes]:
    """Return the type and shape of each array, and the bytes of all in order."""
    plain = {name: np.ascontiguousarray(array, _type(array)) for name, array in arrays.items()}
    return {name: [array.dtype.str, *array.shape] for name, array in plain.items()}, b"".join(
        array.tobytes() for array in plain.values()
    )


def unpack(shapes: object, data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of `pack`, read-only.

    Raises
    ------
    FrameError
        If types, shapes and bytes do not agree.
    """
    if not isinstance(shapes, dict):
        raise FrameError("no shapes")
    arrays, start = {}, 0
    for name, one in shapes.items():
        if not isinstance(one, list) or len(one) != 2 or one[0] not in _TYPES or type(one[1]) is not int or one[1] < 0:
            raise FrameError("no shape")
        size = one[1] * np.dtype(one[0]).itemsize
        if size > len(data) - start:
            raise FrameError("an array is cut short")
        arrays[name] = np.frombuffer(data, one[0], one[1], start)
        start += size
    if start != len(data):
        raise FrameError("bytes are left over")
    return arrays


def pack_texts(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return texts as two arrays."""
    coded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return {
        "lengths": np.array([len(one) for one in coded], "<i8"),
        "letters": np.frombuffer(b"".join(coded), np.uint8),
    }


def unpack_texts(arrays: Mapping[str, np.ndarray], most: int) -> list[str]:
    """Return the texts of `pack_texts`, at most ``most``.

    Raises
    ------
    FrameError
        If the arrays hold no texts, or more.
    """
    lengths, letters = arrays.get("lengths"), arrays.get("letters")
    if (
        lengths is None
        or letters is None
        or lengths.dtype.kind != "i"
        or letters.dtype.kind != "u"
        or lengths.size > most
    ):
        raise FrameError("no texts")
    if lengths.size and (lengths.min() < 0 or lengths.max() > letters.size) or int(lengths.sum()) != letters.size:
        raise FrameError("no lengths of texts")
    ends = np.cumsum(lengths)
    data = letters.tobytes()
    try:
        return [
            data[end - length : end].decode("utf-8", "surrogatepass")
            for end, length in zip(ends.tolist(), lengths.tolist())
        ]
    except UnicodeDecodeError:
        raise FrameError("no text") from None


def plain_value(value: object, longest: int = 300) -> str | int | float | bool | None:
    """Return ``value`` if it is a short text, a number or None.

    Raises
    ------
    FrameError
        If it is anything else.
    """
    if value is None or isinstance(value, (bool, float)) or isinstance(value, str) and len(value) <= longest:
        return value
    if isinstance(value, int) and abs(value) < 2**64:
        return value
    raise FrameError("no plain value")


def finite(value: object) -> float | None:
    """Return ``value`` if it is a finite number or None.

    Raises
    ------
    FrameError
        If it is anything else.
    """
    if value is None or isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise FrameError("no finite number")


def _type(array: np.ndarray) -> str:
    return {"f": "<f8", "i": "<i8", "u": "|u1"}[array.dtype.kind]

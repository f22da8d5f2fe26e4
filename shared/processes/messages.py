"""What an untrusted process says, as data: msgpack with raw arrays, checked against the type that is expected.

Nothing that arrives can run code here, as a pickle could: it is numbers, text, lists, dicts and arrays, and what is
built of them is what the annotations of the function that was called say.
"""

from functools import cache
from typing import IO, Any, Final, Literal, get_type_hints

import msgspec
import numpy as np

Kind = Literal["answer", "raised", "not available"]

LONGEST: Final = 1 << 28
"""Bytes of a message; a longer one is not read."""
_LENGTH: Final = 8
_ARRAY: Final = 1
"""The type of an array in msgpack, which leaves such numbers to its users."""
_KINDS: Final = "fiub"
"""dtype.kind of arrays that are sent: numbers and truth values."""


class Said(msgspec.Struct, array_like=True):
    """A message: its kind, and the answer, or what was raised and where."""

    kind: Kind
    found: msgspec.Raw


class MessageError(ValueError):
    """Bytes, or values, that are not what was expected."""


def send(pipe: IO[bytes], kind: Kind, found: Any) -> None:
    """Write a message; TypeError or MessageError, before anything is written, for what cannot be sent."""
    message = _encode((kind, found))
    if len(message) > LONGEST:
        raise MessageError(f"an answer of {len(message) >> 20:,} MB, expected at most {LONGEST >> 20:,} MB")
    pipe.write(len(message).to_bytes(_LENGTH, "little") + message)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes:
    """Return the next message, undecoded; EOFError at the end, MessageError for one that is too long."""
    length = int.from_bytes(_exactly(pipe, _LENGTH), "little")
    if length > LONGEST:
        raise MessageError(f"a message of {length:,} bytes, expected at most {LONGEST:,}")
    return _exactly(pipe, length)


def decode(message: bytes, expected: Any) -> tuple[Kind, Any]:
    """Return the kind of a message, and its answer of the expected type or the two texts of what was raised.

    Raises
    ------
    MessageError
        If it is none, or if its answer has another type.
    """
    try:
        said = _decoder(Said).decode(message)
        return said.kind, _decoder(expected if said.kind == "answer" else tuple[str, str]).decode(said.found)
    except (msgspec.DecodeError, RecursionError, ValueError, TypeError) as error:
        raise MessageError(str(error)) from None


def returned_by(function: Any) -> Any:
    """Return the annotated type of what a function returns."""
    return get_type_hints(function).get("return", Any)


@cache
def _decoder(expected: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(expected, ext_hook=_array, dec_hook=_checked)


_encode: Final = msgspec.msgpack.Encoder(enc_hook=lambda value: _plain(value)).encode


def _plain(value: Any) -> Any:
    """Return what msgpack does not know as something that it knows."""
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        raise TypeError(f"got a {type(value).__name__}, expected numbers, texts and NumPy arrays")
    if value.dtype.kind not in _KINDS:
        raise TypeError(f"got an array of dtype {value.dtype}, expected numbers")
    content = np.ascontiguousarray(value)
    return msgspec.msgpack.Ext(_ARRAY, _encode([content.dtype.str, value.shape, content.tobytes()]))


class _Sent(msgspec.Struct, array_like=True):
    """An array."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes


def _array(code: int, data: memoryview) -> Any:
    """Return an array that can be changed; ValueError if it is none."""
    if code != _ARRAY:
        raise ValueError(f"got the type {code}, expected {_ARRAY}, an array")
    sent = msgspec.msgpack.decode(data, type=_Sent)
    dtype = np.dtype(sent.dtype)
    if dtype.kind not in _KINDS:
        raise ValueError(f"got an array of dtype {dtype}, expected numbers")
    return np.frombuffer(sent.content, dtype).reshape(sent.shape).copy()


def _checked(expected: Any, value: Any) -> Any:
    """Return the value where it has a type that msgspec does not know: an array."""
    is_array = getattr(expected, "__origin__", expected) is np.ndarray
    if is_array and isinstance(value, np.ndarray):
        return value
    raise TypeError(f"got a {type(value).__name__}, expected {'an array' if is_array else expected}")


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    found = pipe.read(length)
    if len(found) < length:
        raise EOFError
    return found

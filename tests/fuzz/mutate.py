"""Damage that is drawn from a seed: flips, cuts, insertions, swaps, splices, and numbers that no file means."""

from __future__ import annotations

import copy
import json
import random
import re
import struct
import zlib
from typing import Any

import numpy as np

EXTREME = (
    0,
    1,
    -1,
    2,
    7,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    -(2**31),
)
REALS = (0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e300, -1e300, 1e-320, 3.4e38)
TOKENS = (
    "-1", "0", "1e999", "-1e999", "NaN", "Infinity", "99999999999999999999", "9" * 5000, "0x" + "f" * 3000, "1.5", "null",
    "true", '"x"', "[]", "{}", "[" * 2000, "{" * 300, '"\\u0000"', '"\\ud800"', "\0", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), ",", ":",
    "=", "\n", '"', "'", "(" * 500, "-" * 3000 + "1", "a" + ".a" * 3000, "1_000", "é", "../../etc/passwd", "%s", "None",
)  # fmt: skip
VALUES = (
    None, True, False, 0, 1, -1, 2, 10**9, 2**63 - 1, -(2**63), 2**63, 10**30, 0.5, -0.5, 1e300, float("nan"), float("inf"), "", "x", "1", "\0",
    "../x", "a" * 5000, [], {}, [[]], [None], [0], [1, 2, 3], ["x"], {"a": 1}, [[[[[[[[[[1]]]]]]]]]], "(a+)+$", "é",
)  # fmt: skip


def damaged(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """One to four kinds of damage; most are near the beginning, where headers are."""
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 4))):
        _once(found, others, draw)
    return bytes(found)


def _place(found: bytearray, draw: random.Random) -> int:
    most = len(found) if draw.random() < 0.35 else min(len(found), draw.choice((64, 256, 600)))
    return draw.randrange(most) if most else 0


def _once(found: bytearray, others: list[bytes], draw: random.Random) -> None:
    place, kind = _place(found, draw), draw.randrange(9)
    if not found or kind == 0:
        found[place:place] = draw.randbytes(draw.choice((1, 2, 4, 64, 1000)))
    elif kind == 1:
        for _ in range(draw.choice((1, 2, 8))):
            found[_place(found, draw)] ^= 1 << draw.randrange(8)
    elif kind == 2:
        del found[place if draw.random() < 0.5 else draw.randrange(len(found)) :]
    elif kind == 3:
        del found[place : place + draw.choice((1, 2, 4, 16, 200))]
    elif kind == 4:
        size, other = draw.choice((1, 4, 16, 128)), _place(found, draw)
        found[place : place + size], found[other : other + size] = (
            found[other : other + size],
            found[place : place + size],
        )
    elif kind == 5:
        other = draw.choice(others)
        found[place:] = other[draw.randrange(len(other) + 1) :]
    elif kind == 6:
        order, size = draw.choice("<>"), draw.choice("bhiqfd")
        width = struct.calcsize(size)
        if size in "fd":
            with np.errstate(over="ignore"):
                number = np.array(draw.choice(REALS), f"{order}f{width}").tobytes()
        else:
            whole = draw.choice(EXTREME) & (2 ** (8 * width) - 1)
            number = whole.to_bytes(width, "little" if order == "<" else "big")
        found[place : place + width] = number
    elif kind == 7:
        found[place:place] = draw.choice(TOKENS).encode("utf-8", "surrogatepass")
    else:
        numbers = list(re.finditer(rb"-?\d+(?:\.\d+)?", bytes(found[:200_000])))
        if numbers:
            one = draw.choice(numbers)
            found[one.start() : one.end()] = draw.choice(TOKENS).encode("utf-8", "surrogatepass")


def damaged_json(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """JSON in which values are others: of another kind, beyond all bounds, missing, or too many."""
    value = json.loads(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        holders = []
        todo = [value]
        while todo:
            one = todo.pop()
            inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            if isinstance(one, dict | list) and one:
                holders.append(one)
            todo += inner
        if not holders:
            break
        holder = draw.choice(holders)
        key = draw.choice(list(holder)) if isinstance(holder, dict) else draw.randrange(len(holder))
        how = draw.random()
        if how < 0.7:
            holder[key] = copy.deepcopy(draw.choice(VALUES))
        elif how < 0.85:
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw.choice(("x", "", "format", "channels", "\0"))] = copy.deepcopy(draw.choice(VALUES))
        else:
            holder.extend(copy.deepcopy(holder[key]) for _ in range(draw.choice((1, 50))))
    return json.dumps(value).encode()


def png_mended(data: bytes) -> bytes:
    """A PNG whose chunks have right checksums again, so that damage is met behind them."""
    found, place = bytearray(data), 8
    while place + 12 <= len(found):
        size = int.from_bytes(found[place : place + 4], "big")
        end = place + 8 + size
        if end + 4 > len(found):
            break
        found[end : end + 4] = zlib.crc32(found[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(found)


def damaged_message(message: Any, draw: random.Random) -> bytes:
    """A protocol buffer whose fields hold other values, are missing, or are there too often."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        found, todo = [], [message]
        while todo:
            one = todo.pop()
            for field, value in one.ListFields():
                found.append((one, field))
                if field.type == field.TYPE_MESSAGE:
                    todo += _inner(field, value)
        holder, field = draw.choice(found)
        value, again = getattr(holder, field.name), draw.random()
        several = hasattr(value, "append") or hasattr(value, "add") or hasattr(value, "keys")
        if again < 0.3 or (several and (not len(value) or hasattr(value, "keys"))):
            holder.ClearField(field.name)
        elif several:
            place = draw.randrange(len(value))
            if again < 0.6:
                del value[place]
            else:
                value.extend([value[place]] * draw.choice((1, 30)))
        elif field.type == field.TYPE_MESSAGE:
            value.Clear()
        else:
            for other in draw.sample([*EXTREME, *REALS, *TOKENS[:12], b"\0", b"x" * 999, True], 12):
                try:
                    setattr(holder, field.name, other)
                    break
                except (TypeError, ValueError, OverflowError):
                    continue
    return message.SerializeToString(deterministic=True)


def _inner(field: Any, value: Any) -> list[Any]:
    if not hasattr(value, "ListFields"):
        values = [value[key] for key in sorted(value)] if hasattr(value, "keys") else list(value)
        return [one for one in values if hasattr(one, "ListFields")]
    return [value]

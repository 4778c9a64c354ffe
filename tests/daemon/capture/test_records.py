from __future__ import annotations

import numpy as np
import pytest

from daemon.capture.devices import Device
from daemon.capture.records import HEADER, Audio, Failed, Listed, Lost, Opened, Record, Stalled, decode, encode

DEVICE = Device(3, "USB Küche", 2, 44_100, default=True)


def decoded(content: bytes) -> Record:
    kind, size = HEADER.unpack(content[: HEADER.size])
    assert size == len(content) - HEADER.size
    return decode(kind, content[HEADER.size :])


@pytest.mark.parametrize("record", [Opened("USB Küche", 48_000), Lost(), Stalled(), Failed("it is gone"), Listed((DEVICE,)), Listed(())])
def test_a_record_comes_out_as_it_went_in(record: Record) -> None:
    assert decoded(encode(record)) == record


@pytest.mark.parametrize("samples", [[], [0.0, -1.0, 0.25, 1e-9]])
def test_so_does_audio(samples: list[float]) -> None:
    record = decoded(encode(Audio(np.array(samples, dtype=np.float32))))
    assert isinstance(record, Audio)
    np.testing.assert_array_equal(record.samples, np.array(samples, dtype=np.float32))


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ValueError, match="no record"):
        decode(b"?", b"")

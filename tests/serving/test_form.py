"""A file in a form is the file itself: as clients send it, in pieces of any length, and never more than one."""

import asyncio
import http.client
import shutil
import subprocess

import bodies
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.serving.form import boundary_of, unpacked
from maskwright.serving.limits import Limits, Refused

LINE = b"x1b2"


def part(name, data, filename=None):
    named = f'; filename="{filename}"' if filename is not None else ""
    return f'--x1b2\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"


def form(*parts):
    return b"".join(parts) + b"--x1b2--\r\n"


def taken(body, length, limits=None):
    """The file in a form that comes in pieces."""

    async def pieces():
        for start in range(0, len(body), length):
            yield body[start : start + length]

    async def all_of_it():
        return b"".join([piece async for piece in unpacked(pieces(), LINE, limits or Limits())])

    return asyncio.run(all_of_it())


@given(st.binary(max_size=300), st.integers(1, 400))
def test_in_pieces_of_any_length_it_is_the_same(data, length):
    assert taken(form(part("what", b"ever"), part("file", data, "a.png"), part("more", b"")), length) == data


@pytest.mark.parametrize(
    ("body", "words"),
    [(form(part("file", b"abc")), "no file"), (form(part("a", b"x", "a"), part("b", b"y", "b")), "several files"),
     (part("file", b"abc", "a"), "ends before"), (b"nothing of the kind", "damaged"), (b"", "ends before")],
)  # fmt: skip
def test_what_is_no_form_with_one_file_says_so(body, words):
    with pytest.raises(Refused, match=words) as error:
        taken(body, 5)
    assert error.value.status == 400


def test_it_is_no_longer_than_a_body_may_be():
    limits = Limits(megabytes=0.01)
    with pytest.raises(Refused) as error:
        taken(form(part("note", bytes(100_000)), part("file", b"a", "a")), 1000, limits)
    assert error.value.status == 413


def test_a_boundary_is_looked_for_in_forms_alone():
    assert boundary_of("image/png") is None and boundary_of("") is None
    assert boundary_of('multipart/form-data; boundary="x1b2"') == LINE
    with pytest.raises(Refused, match="boundary"):
        boundary_of("multipart/form-data")


def test_the_same_mask_by_either_way(service):
    body = bodies.picture(70, 90)
    expected = service.segment(body)[1]
    connection = http.client.HTTPConnection(*service.url.removeprefix("http://").split(":"))
    headers = {"Content-Type": "multipart/form-data; boundary=x1b2"}
    connection.request("POST", "/v1/segment", form(part("file", body, "a.png")), headers)
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read() == expected


def test_curl(service, tmp_path):
    if not shutil.which("curl"):
        pytest.skip("curl is not here")
    (tmp_path / "a.png").write_bytes(bodies.picture(70, 90))
    done = subprocess.run(["curl", "-sF", f"file=@{tmp_path / 'a.png'}", f"{service.url}/v1/segment"],
                          capture_output=True, check=True)  # fmt: skip
    assert done.stdout == service.segment(bodies.picture(70, 90))[1]

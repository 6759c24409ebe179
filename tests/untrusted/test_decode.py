import pytest

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import decoding, too_large

RAISED = [
    RecursionError("x"),
    AssertionError(),
    StopIteration(),
    ZeroDivisionError(),
    UnicodeError(),
    SystemError(),
    OSError("x"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_whatever_a_decoder_raises_is_damage_in_our_words(error):
    with pytest.raises(MaskwrightError) as caught, decoding("a.bin", "is no such thing"):
        raise error
    assert str(caught.value) == "a.bin: is no such thing\n  Copy it again from its source."
    assert caught.value.__cause__ is error  # for --debug


def test_what_is_told_already_and_what_ends_the_program_pass():
    class Own(MaskwrightError):
        pass

    with pytest.raises(Own, match=r"^b: mine$"), decoding("a"):
        raise Own("mine", where="b")
    with pytest.raises(KeyboardInterrupt), decoding("a"):
        raise KeyboardInterrupt
    with pytest.raises(Own, match="is damaged"), decoding("a", kind=Own):
        raise ValueError


def test_what_the_system_says_is_told():
    with pytest.raises(MaskwrightError, match=r"a: cannot be read \(Permission denied\)"), decoding("a"):
        raise PermissionError(13, "Permission denied")
    with pytest.raises(MaskwrightError, match="memory that is free"), decoding("a"):
        raise MemoryError
    with pytest.raises(MaskwrightError, match="a: not there"), decoding("a", absent="not there"):
        raise FileNotFoundError(2, "x")


@pytest.mark.parametrize(("size", "told"), [(3 << 40, "3072 GiB"), (5 << 20, "5 MiB"), (99, "99 bytes")])
def test_sizes_in_words(size, told):
    assert f"claims, {told}; at most 10 bytes" in str(too_large("a", size, 10))

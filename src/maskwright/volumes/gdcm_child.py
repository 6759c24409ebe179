"""A process that decodes DICOM images by GDCM, one after the other; see `apart`. It imports nothing of ours.

Each question and each answer is its length (8 bytes, little-endian) and its bytes: a DICOM file, and an array as NumPy
writes it, or nothing where the pixels cannot be decoded. It ends with its standard input, and so with whoever asks.
"""

import io
import signal
import sys
import warnings


def serve() -> None:
    """Answer until the input ends."""
    import numpy
    import pydicom

    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever asks
    while len(head := questions.read(8)) == 8:
        file = io.BytesIO(questions.read(int.from_bytes(head, "little")))
        buffer = io.BytesIO()
        try:
            dataset = pydicom.dcmread(file)
            dataset.pixel_array_options(decoding_plugin="gdcm")
            numpy.save(buffer, dataset.pixel_array, allow_pickle=False)
        except Exception:  # noqa: BLE001 - whatever it is, these pixels cannot be decoded
            buffer = io.BytesIO()
        answers.write(len(buffer.getvalue()).to_bytes(8, "little") + buffer.getvalue())
        answers.flush()


if __name__ == "__main__":
    serve()

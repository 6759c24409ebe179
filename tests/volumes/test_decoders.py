from maskwright.cli import main
from maskwright.volumes.decoders import decoders


def test_all_that_the_extra_promises(capsys):
    assert decoders() == dict.fromkeys(["JPEG baseline", "JPEG lossless", "JPEG-LS", "JPEG 2000", "RLE"], True)
    main(["doctor"])
    assert "DICOM                     uncompressed, JPEG baseline, JPEG lossless" in capsys.readouterr().out

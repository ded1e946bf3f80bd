"""An NPZ archive with 64-bit fields wherever `zipfile` can be made to write them.

The only argument is the file to make.
"""

import io
import struct
import sys
import zipfile

import numpy as np

path = sys.argv[1]
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    for name, values in {"t": [1, 2, 3], "x": [4, 5, 6], "y": [7, 8, 9], "p": [0, 1, 1]}.items():
        array = io.BytesIO()
        np.save(array, np.array(values))
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            member.write(array.getvalue())

# The same archive with a 64-bit end record, as one of more than 65,535 members has it.
data = open(path, "rb").read()
end = data.rindex(b"PK\x05\x06")
count, size, offset = struct.unpack("<HII", data[end + 10 : end + 20])
end64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
short = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
open(path, "wb").write(data[:end] + end64 + locator + short)
with zipfile.ZipFile(path) as archive:
    print(f"{len(archive.namelist())} members, as zipfile reads them")

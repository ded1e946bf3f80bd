"""Copy single members out of a source distribution.

Usage: unpack.py ARCHIVE MEMBER OUT [MEMBER OUT ...]

Only the named members are read, as plain files, and only the named outputs are written: nothing inside the archive
chooses a path. The caller verifies the checksums.
"""

import shutil
import sys
import tarfile

archive, *pairs = sys.argv[1:]
with tarfile.open(archive) as tar:
    for member, out in zip(pairs[::2], pairs[1::2]):
        stored = tar.extractfile(member)
        if stored is None:
            sys.exit(f"{archive}: {member} is not a plain file")
        with stored, open(out, "wb") as target:
            shutil.copyfileobj(stored, target)

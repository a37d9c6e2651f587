"""File access through Apache Beam: local disks, clusters and cloud storage.

Needs Apache Beam, the extra `beam`.
"""

import glob
import shutil
from typing import BinaryIO

from apache_beam.io.filesystem import (  # type: ignore[import-not-found, unused-ignore]
    CompressionTypes,
)
from apache_beam.io.filesystems import (  # type: ignore[import-not-found, unused-ignore]
    FileSystems,
)

PLAIN = CompressionTypes.UNCOMPRESSED


class BeamFiles:
    """Files by path, such as out/answers.json or gs://bucket/answers.json."""

    def match(self, pattern: str) -> dict[str, tuple[int, float]]:
        """The files that match a pattern: path → size and modification time."""
        here = "" if "/" in pattern else "./"  # Beam needs a folder
        (found,) = FileSystems.match([f"{here}{pattern}"])
        return {
            each.path.removeprefix(here): (
                each.size_in_bytes,
                each.last_updated_in_seconds,
            )
            for each in sorted(found.metadata_list, key=lambda each: each.path)
        }

    def open(self, path: str) -> BinaryIO:
        """Opens a file for reading, without decompression."""
        opened: BinaryIO = FileSystems.open(path, compression_type=PLAIN)
        return opened

    def read(self, path: str) -> str | None:
        """The text of a small file; None if there is none."""
        if not FileSystems.exists(path):
            return None
        with self.open(path) as file:
            return file.read().decode()

    def write(self, path: str, text: str) -> None:
        """Writes a small file atomically."""
        new = f"{path}.new"
        with FileSystems.create(new, compression_type=PLAIN) as file:
            file.write(text.encode())
        FileSystems.rename([new], [path])

    def remove(self, pattern: str) -> None:
        """Removes the files of a pattern, if there are some."""
        found = list(self.match(pattern))
        if found:
            FileSystems.delete(found)

    def remove_unfinished(self, start: str) -> None:
        """Removes temporary files of pipelines that were killed while writing.

        Args:
            start: prefix of the names of their output files.
        """
        folder, sign, name = start.rpartition("/")
        pattern = f"{folder}{sign}beam-temp-{name}-*-of-*"
        self.remove(f"{pattern}/*")
        for left in glob.glob(pattern):  # on this machine folders may be empty
            shutil.rmtree(left)

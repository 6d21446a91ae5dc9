"""Where the data sets of benchmarks lie: the folder that BENCH_DATA names."""

import os
import sys
from pathlib import Path

EXIT_NO_DATA = 2


def require_data(*names: str) -> Path:
    """The folder of the data sets. Where one of these is not in it, the program ends: exit code 2.

    Called before anything slow is imported, so that this is said at once.
    """
    folder = os.environ.get("BENCH_DATA", "")
    missing = [name for name in names if not folder or not (Path(folder) / name).is_dir()]
    if missing:
        state = (
            f"has value '{folder}', which lacks {', '.join(missing)}" if folder else "is not set"
        )
        wanted = " and ".join(f"{name}/" for name in names)
        print(f"BENCH_DATA {state}. Set it to the folder that holds {wanted}.", file=sys.stderr)
        raise SystemExit(EXIT_NO_DATA)
    return Path(folder)

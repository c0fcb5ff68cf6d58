"""A share of a processor for one process, by the kernel's control groups of either version."""

import contextlib
import os
from pathlib import Path

# Lambda gives one vCPU for this many MB, and takes it away in periods of 20 ms
VCPU_MB = 1_769
PERIOD_US = 20_000
ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


def groups():
    """The directory in which a group with a share of the processor can be made; none where none can be."""
    for root in ROOTS:
        group = root / f"cicada-probe-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        files = [group / name for name in ("cpu.max", "cpu.cfs_quota_us")]
        found = any(file.exists() for file in files)
        group.rmdir()
        if found:
            return root
    return None


class Quota:
    """A control group with the processor's share of a memory size; leaving the context removes it."""

    def __init__(self, memory_mb):
        self.quota_us = max(PERIOD_US * memory_mb // VCPU_MB, 1_000)
        self.group = groups() / f"cicada-bench-{os.getpid()}"

    def __enter__(self):
        self.group.mkdir(exist_ok=True)
        if (self.group / "cpu.max").exists():
            (self.group / "cpu.max").write_text(f"{self.quota_us} {PERIOD_US}")
        else:
            (self.group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self.group / "cpu.cfs_quota_us").write_text(str(self.quota_us))
            # what it is allowed it gets, however busy the machine is
            (self.group / "cpu.shares").write_text("262144")
        return self

    def take(self, pid):
        (self.group / "cgroup.procs").write_text(str(pid))

    def __exit__(self, *_):
        # the process has ended; the kernel may still be at it
        with contextlib.suppress(OSError):
            self.group.rmdir()

"""How much memory may be used, a fraction of what is free, read from the OS or the GPU; and how it is kept."""

from pathlib import Path

import torch

# Of the free memory, what a call takes for itself unless told.
FREE_FRACTION = 0.4


def free_bytes(device: torch.device) -> int:
    """Bytes that are free on the device; on the CPU also limited by the container."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + cached
    return min(_meminfo_available(), _cgroup_available())


def default_budget(device: torch.device) -> int:
    """The memory budget of a call that names none."""
    return int(FREE_FRACTION * free_bytes(device))


def _meminfo_available() -> int:
    path = Path("/proc/meminfo")
    if not path.exists():  # no Linux: a cautious guess
        return 4 << 30
    for line in path.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 4 << 30


def _cgroup_available() -> int:
    unlimited = 1 << 62
    for limit_file, used_file in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        limit, used = Path(limit_file), Path(used_file)
        if limit.exists() and used.exists() and limit.read_text().strip().isdigit():
            return max(0, int(limit.read_text()) - int(used.read_text()))
    return unlimited


def keep_freed_memory(device: torch.device) -> None:
    """Let glibc serve chunks below 30 MiB from memory it keeps, as it learns from the first such one that is freed.

    Otherwise it returns and maps pages all the time: a tenth of a convolutional kernel's time, a third of an infinite
    network's. Nothing is touched.
    """
    if device.type == "cpu":
        torch.empty(30 << 20, dtype=torch.uint8)

"""How programs are compiled: XLA's options for this machine, and the programs kept between processes."""

from bgpbt.xla.compilation import CompilationCounter, cache_directory, enable_persistent_cache
from bgpbt.xla.program_options import compiler_options, jit, kept, on_cpu

__all__ = [
    "CompilationCounter",
    "cache_directory",
    "compiler_options",
    "enable_persistent_cache",
    "jit",
    "kept",
    "on_cpu",
]

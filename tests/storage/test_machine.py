import platform

from bgpbt.storage.machine import machine, processor


def test_a_machine_is_told_by_system_and_processor() -> None:
    assert machine().startswith(f"{platform.system()} {platform.machine()}")
    assert machine().endswith(processor())

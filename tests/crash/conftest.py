"""Failed assertions of the modules that the crash tests share tell their values too."""

import pytest

for name in ("case", "file_cases", "lock_cases", "wait_cases", "harness"):
    pytest.register_assert_rewrite(f"crash.{name}")

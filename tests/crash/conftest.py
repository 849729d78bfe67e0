"""Failed assertions of the modules that the crash tests share tell their values too."""

import pytest

pytest.register_assert_rewrite("crash.cases", "crash.harness")

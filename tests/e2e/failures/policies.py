"""The two failure policies that tests are tried under, and what Fail says."""

import pytest

NAME = "pods.source-ip-webhook.io"
CALLING = f'Internal error occurred: failed calling webhook "{NAME}": '

both_policies = pytest.mark.parametrize("webhook", ["Ignore", "Fail"], indirect=True)
only_ignore = pytest.mark.parametrize("webhook", ["Ignore"], indirect=True)
only_fail = pytest.mark.parametrize("webhook", ["Fail"], indirect=True)

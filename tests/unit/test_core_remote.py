"""Addresses of remotes, as git and people write them, and the repositories that must not be written to."""

from __future__ import annotations

import pytest

from ccpm.core import remote
from ccpm.errors import NotYours, UsageError

SHOP = "github.com octo/shop"


@pytest.mark.parametrize(
    ("address", "means"),
    [
        ("https://github.com/octo/shop.git", SHOP),
        ("https://github.com/octo/shop", SHOP),
        ("https://github.com/octo/shop/", SHOP),
        ("http://www.github.com/octo/shop.git", SHOP),
        ("https://ada:token@github.com/octo/shop.git", SHOP),
        ("https://ghp_token@github.com:443/octo/shop.git", SHOP),
        ("HTTPS://GitHub.com/octo/shop.GIT", SHOP),
        ("git@github.com:octo/shop.git", SHOP),
        ("git@github.com:/octo/shop.git", SHOP),
        ("github.com:octo/shop", SHOP),
        ("org-123@github.com:octo/shop.git", SHOP),
        ("ssh://git@github.com/octo/shop.git", SHOP),
        ("ssh://git@ssh.github.com:443/octo/shop.git", SHOP),
        ("git+ssh://git@github.com/octo/shop.git", SHOP),
        ("git://github.com/octo/shop.git", SHOP),
        ("  git@github.com:octo/shop.git\n", SHOP),
        ("https://github.com/octo/shop.git?x=1", SHOP),
        ("https://github.com/octo/shop.js.git", "github.com octo/shop.js"),
        ("https://github.com/octo/.github", "github.com octo/.github"),
        ("https://github.com/my_org/s-h.o_p", "github.com my_org/s-h.o_p"),
        ("git@git.example.org:team/shop.git", "git.example.org team/shop"),
        ("ssh://git@git.example.org:2222/team/shop.git", "git.example.org team/shop"),
        ("https://acme.ghe.com/team/shop", "acme.ghe.com team/shop"),
        ("https://gitlab.com/group/sub/shop.git", None),
        ("https://github.com/octo", None),
        ("https://github.com/", None),
        ("https://github.com/octo/..", None),
        ("/srv/git/octo/shop.git", None),
        ("../shop.git", None),
        ("C:/work/octo/shop", None),
        ("file:///srv/octo/shop.git", None),
        ("shop.bundle", None),
        ("", None),
    ],
)
def test_an_address_means_a_host_an_owner_and_a_name(address: str, means: str | None) -> None:
    found = remote.parse(address)
    assert (f"{found.host} {found.slug}" if found else None) == means


@pytest.mark.parametrize(
    ("named", "means"),
    [
        ("octo/shop", SHOP),
        ("git.example.org/octo/shop", "git.example.org octo/shop"),
        ("https://github.com/octo/shop", SHOP),
        ("git@github.com:octo/shop", SHOP),
    ],
)
def test_a_named_repository_may_be_short(named: str, means: str) -> None:
    found = remote.parse_named(named)
    assert f"{found.host} {found.slug}" == means


@pytest.mark.parametrize("named", ["shop", "octo/", "a/b/c", "octo/shop/issues/1", "-x/y", "", "octo/sh op"])
def test_what_names_no_repository_is_a_usage_error(named: str) -> None:
    with pytest.raises(UsageError):
        remote.parse_named(named)


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/automazeio/ccpm.git",
        "git@github.com:AutomazeIO/CCPM.git",
        "ssh://git@ssh.github.com:443/automazeio/ccpm",
        "https://token@github.com/foozlevazquez/ccpm",
    ],
)
def test_the_repository_of_ccpm_itself_is_refused(address: str) -> None:
    found = remote.parse(address)
    assert found
    with pytest.raises(NotYours) as refused:
        remote.check_writable(found)
    assert "--repo" in refused.value.hint


@pytest.mark.parametrize(
    "address", ["https://github.com/octo/ccpm", "https://github.com/automazeio/ccpm-shop"]
)
def test_a_fork_of_somebody_is_not(address: str) -> None:
    found = remote.parse(address)
    assert found
    remote.check_writable(found)


@pytest.mark.parametrize(
    ("host", "is_github"),
    [
        ("github.com", True),
        ("acme.ghe.com", True),
        ("github.example.org", True),
        ("code.example.org", False),
        ("gitlab.com", False),
        ("notgithub.com", False),
    ],
)
def test_hosts_that_speak_githubs_api(host: str, is_github: bool) -> None:
    repository = remote.Repository(host, "octo", "shop")
    assert remote.is_github(repository, frozenset()) == is_github
    assert remote.is_github(repository, frozenset({host}))


def test_links_to_issues() -> None:
    found = remote.of_issue("https://github.com/octo/shop/issues/12#issuecomment-3")
    assert found
    assert (found[0].label, found[1]) == ("octo/shop", 12)
    assert found[0].is_same(remote.Repository("github.com", "Octo", "Shop"))
    assert found[0].issue_url(12) == "https://github.com/octo/shop/issues/12"
    for text in (
        "local://issues/12",
        "12",
        "https://github.com/octo/shop",
        "https://github.com/octo/shop/issues/x",
    ):
        assert remote.of_issue(text) is None

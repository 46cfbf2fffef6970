"""Which account carries an MT, and which application an MO is for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MessageRefused
from gateway.model.account import ProviderAccount
from gateway.model.application import Application
from gateway.model.content import TextContent
from gateway.model.message import MTMessage
from gateway.routing import fits, mo_application, route_mt

EVERYTHING = Application(app_id="shop")


def account(
    name: str,
    *,
    brand: str | None = None,
    conditions: Mapping[str, str] | None = None,
    channel: str = "whatsapp",
    enabled: bool = True,
    mo_application: str | None = None,
) -> ProviderAccount:
    return ProviderAccount(
        account=name,
        provider="whatsapp_cloud",
        channel=channel,
        brand=brand,
        conditions=dict(conditions or {}),
        enabled=enabled,
        mo_application=mo_application,
    )


def mt(*, channel: str | None = "whatsapp", account: str | None = None, **attributes: str) -> MTMessage:
    return MTMessage(
        app_id="shop",
        channel=channel,
        account=account,
        to="+447911123456",
        content=TextContent(text="hello"),
        attributes=attributes,
    )


def routed(message: MTMessage, *accounts: ProviderAccount, application: Application = EVERYTHING) -> str:
    return route_mt(message, application, {each.account: each for each in accounts}).account


def refused(message: MTMessage, *accounts: ProviderAccount, application: Application = EVERYTHING) -> str:
    with pytest.raises(MessageRefused) as caught:
        routed(message, *accounts, application=application)
    return caught.value.code


def test_the_only_account_of_the_channel_carries_it() -> None:
    assert routed(mt(), account("tg", channel="telegram"), account("wa")) == "wa"


def test_an_account_for_the_brand_comes_before_one_for_any_even_with_fewer_conditions() -> None:
    generic = account("a", conditions={"country": "GB", "market": "b2c"})
    assert routed(mt(brand="acme", country="GB", market="b2c"), generic, account("z", brand="acme")) == "z"


def test_more_conditions_come_before_fewer() -> None:
    accounts = (
        account("a"),
        account("b", conditions={"country": "GB"}),
        account("c", conditions={"country": "GB", "market": "b2c"}),
    )
    assert routed(mt(country="GB", market="b2c"), *accounts) == "c"
    assert routed(mt(country="GB", market="b2b"), *accounts) == "b"
    assert routed(mt(country="DE", market="b2c"), *accounts) == "a"


def test_of_equals_the_lowest_name_is_taken() -> None:
    assert routed(mt(), account("wa-2"), account("wa-10"), account("wa-1")) == "wa-1"


@pytest.mark.parametrize(
    "other",
    [
        account("wa", enabled=False),
        account("wa", channel="sms"),
        account("wa", brand="acme"),
        account("wa", conditions={"country": "GB"}),
    ],
    ids=["switched-off", "other-channel", "other-brand", "condition-not-met"],
)
def test_without_an_account_that_fits_there_is_no_route(other: ProviderAccount) -> None:
    assert refused(mt(country="DE", brand="umbrella"), other) == "no_route"
    assert refused(mt(), other) == "no_route"
    assert refused(mt()) == "no_route"


def test_an_account_that_the_application_may_not_use_is_not_chosen() -> None:
    application = Application(app_id="shop", accounts=("b",))
    assert routed(mt(), account("a"), account("b"), application=application) == "b"
    assert refused(mt(), account("a"), application=application) == "no_route"


def test_a_named_account_is_taken_whatever_its_brand_and_conditions() -> None:
    named = account("z", brand="acme", conditions={"country": "GB"})
    assert routed(mt(account="z"), account("a"), named) == "z"
    assert routed(mt(account="z", channel=None), account("a"), named) == "z"


def test_a_named_account_that_is_not_there_or_not_the_applications_is_unknown() -> None:
    assert refused(mt(account="z"), account("a")) == "unknown_account"
    application = Application(app_id="shop", accounts=("a",))
    assert refused(mt(account="z"), account("z"), application=application) == "unknown_account"
    assert refused(mt(account="z"), account("z", enabled=False), application=application) == "unknown_account"


def test_a_named_account_that_is_switched_off_is_said_to_be() -> None:
    assert refused(mt(account="z"), account("z", enabled=False)) == "account_disabled"


def test_a_named_account_of_another_channel_is_no_route() -> None:
    assert refused(mt(account="z"), account("z", channel="telegram")) == "no_route"


def test_an_account_fits_only_when_brand_and_every_condition_hold() -> None:
    both = account("a", brand="acme", conditions={"country": "GB"})
    assert fits(both, {"brand": "acme", "country": "GB", "more": "x"})
    assert not fits(both, {"brand": "acme", "country": "DE"})
    assert not fits(both, {"brand": "acme"})
    assert not fits(both, {"country": "GB"})
    assert fits(account("a"), {})


BRANDS = st.sampled_from([None, "acme", "umbrella"])
ATTRIBUTES = st.dictionaries(st.sampled_from(["country", "market"]), st.sampled_from(["x", "y"]), max_size=2)
ACCOUNTS = st.lists(
    st.builds(
        account,
        st.sampled_from([f"wa-{n}" for n in range(6)]),
        brand=BRANDS,
        conditions=ATTRIBUTES,
        channel=st.sampled_from(["whatsapp", "sms"]),
        enabled=st.booleans(),
    ),
    unique_by=lambda each: each.account,
)


@given(ACCOUNTS, ATTRIBUTES, BRANDS)
def test_the_choice_is_the_best_that_fits_and_does_not_depend_on_order(
    accounts: list[ProviderAccount], attributes: dict[str, str], brand: str | None
) -> None:
    message = mt(**attributes, **({"brand": brand} if brand else {}))
    fitting = [
        each
        for each in accounts
        if each.enabled and each.channel == "whatsapp" and fits(each, message.attributes)
    ]
    if not fitting:
        assert refused(message, *accounts) == "no_route"
        return
    chosen = routed(message, *accounts)
    assert chosen == routed(message, *reversed(accounts))
    best = next(each for each in fitting if each.account == chosen)
    for other in fitting:
        if best.brand is None:
            assert other.brand is None
        if (other.brand is None) == (best.brand is None):
            assert len(other.conditions) <= len(best.conditions)
            if len(other.conditions) == len(best.conditions):
                assert best.account <= other.account


def test_an_mo_belongs_to_the_accounts_own_application() -> None:
    applications = [Application(app_id="a"), Application(app_id="b")]
    assert mo_application(account("wa", mo_application="b"), applications) == "b"


def test_an_mo_of_an_account_without_one_belongs_to_the_only_application_that_may_use_it() -> None:
    one = Application(app_id="a", accounts=("wa",))
    other = Application(app_id="b", accounts=("sms",))
    assert mo_application(account("wa"), [one, other]) == "a"
    assert mo_application(account("tg"), [one, other]) is None
    assert mo_application(account("wa"), [one, Application(app_id="c")]) is None
    assert mo_application(account("wa"), []) is None

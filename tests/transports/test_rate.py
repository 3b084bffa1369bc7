"""The rate of an encode that peers share; there is no clock in these tests."""

from __future__ import annotations

from txt2vid.transports.rate import FORGET_SECONDS, HEADROOM, SETTLE_SECONDS, Rate

LOWEST, HIGHEST = 150_000, 2_000_000


def test_without_news_the_highest_rate_holds() -> None:
    rate = Rate(LOWEST, HIGHEST)
    assert rate.current == HIGHEST
    assert rate.decide(0.0) is None


def test_loss_lowers_the_rate_and_none_raises_it_again() -> None:
    rate = Rate(LOWEST, HIGHEST)
    now = 0.0
    for _ in range(6):
        now += SETTLE_SECONDS
        rate.lost("a", 0.3, now)
        rate.decide(now)
    assert LOWEST < rate.current < HIGHEST * 0.5
    for _ in range(40):
        now += SETTLE_SECONDS
        rate.lost("a", 0.0, now)
        rate.decide(now)
    assert rate.current == HIGHEST


def test_a_little_loss_changes_nothing() -> None:
    rate = Rate(LOWEST, HIGHEST)
    for second in range(60):
        rate.lost("a", 0.05, float(second))
        assert rate.decide(float(second)) is None


def test_the_worst_link_decides_until_it_is_gone() -> None:
    rate = Rate(LOWEST, HIGHEST)
    rate.estimated("good", 5_000_000, 0.0)
    rate.estimated("bad", 400_000, 0.0)
    assert rate.decide(0.0) == round(400_000 * HEADROOM)
    rate.gone("bad")
    assert rate.decide(SETTLE_SECONDS) == HIGHEST


def test_nobody_leaves_the_bounds() -> None:
    rate = Rate(LOWEST, HIGHEST)
    rate.estimated("a", 1.0, 0.0)
    assert rate.decide(0.0) == LOWEST
    rate.estimated("a", 1e12, 10.0)
    assert rate.decide(10.0) == HIGHEST
    for second in range(200):
        rate.lost("a", 1.0, 20.0 + second)
        rate.decide(20.0 + second)
    assert rate.current == LOWEST


def test_small_and_hasty_changes_are_left_out() -> None:
    rate = Rate(LOWEST, HIGHEST)
    rate.estimated("a", HIGHEST * 0.95 / HEADROOM, 0.0)
    assert rate.decide(0.0) is None
    rate.estimated("a", 1_000_000 / HEADROOM, 1.0)
    assert rate.decide(1.0) == 1_000_000
    rate.estimated("a", 500_000 / HEADROOM, 1.5)
    assert rate.decide(1.5) is None
    assert rate.decide(1.0 + SETTLE_SECONDS) == 500_000


def test_old_estimates_are_forgotten() -> None:
    rate = Rate(LOWEST, HIGHEST)
    rate.estimated("a", 400_000, 0.0)
    rate.decide(0.0)
    assert rate.decide(FORGET_SECONDS + 1.0) == HIGHEST


def test_a_picture_of_another_size_has_another_bound() -> None:
    rate = Rate(LOWEST, HIGHEST)
    rate.limit(700_000)
    assert rate.current == 700_000
    rate.limit(10)
    assert rate.current == LOWEST

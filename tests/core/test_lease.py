"""Whose turn it is: no two gateways may ever think that it is theirs."""

from gateway.core.lease import Lease, LeaseTimes

TIMES = LeaseTimes(life=5.0, margin=1.0)


def test_nobody_sends_before_it_holds() -> None:
    assert not Lease(TIMES).may_send(now=0.0)
    assert Lease(TIMES).epoch is None


def test_a_holder_sends_until_a_margin_before_its_time_is_over() -> None:
    lease = Lease(TIMES)
    lease.held(3, asked_at=100.0)
    assert lease.epoch == 3
    assert lease.may_send(now=103.9)
    assert not lease.may_send(now=104.0)


def test_time_counts_from_before_it_was_asked_for() -> None:
    lease = Lease(TIMES)
    lease.held(3, asked_at=100.0)  # heard at 103, say: that is 3 s of the 5 gone
    lease.held(3, asked_at=102.0)
    assert lease.may_send(now=105.9)
    assert not lease.may_send(now=106.0)


def test_what_is_lost_may_not_send() -> None:
    lease = Lease(TIMES)
    lease.held(3, asked_at=100.0)
    lease.lost()
    assert lease.epoch is None
    assert not lease.may_send(now=100.1)


def test_another_waits_for_a_whole_life_after_it_first_saw_a_beat() -> None:
    lease = Lease(TIMES)
    assert not lease.may_take(now=0.0)
    lease.seen(1, 7, now=100.0)
    lease.seen(1, 7, now=104.0)
    assert not lease.may_take(now=104.9)
    assert lease.may_take(now=105.0)


def test_every_beat_and_every_epoch_begins_the_wait_anew() -> None:
    lease = Lease(TIMES)
    lease.seen(1, 7, now=100.0)
    lease.seen(1, 8, now=104.0)
    assert not lease.may_take(now=108.9)
    lease.seen(2, 8, now=108.0)
    assert not lease.may_take(now=112.9)
    assert lease.may_take(now=113.0)


def test_a_beat_that_a_failover_took_back_begins_the_wait_anew() -> None:
    lease = Lease(TIMES)
    lease.seen(1, 8, now=100.0)
    lease.seen(1, 7, now=104.0)
    assert not lease.may_take(now=105.0)


def test_seeing_it_in_another_hand_is_losing_it() -> None:
    lease = Lease(TIMES)
    lease.held(1, asked_at=100.0)
    lease.seen(2, 1, now=101.0)
    assert lease.epoch is None


def test_a_holder_is_always_silent_before_another_may_take_it() -> None:
    # The renewal is asked for, takes effect, and is seen, in this order, whatever the delays.
    for delay in (0.0, 0.4, 3.0):
        holder, other = Lease(TIMES), Lease(TIMES)
        holder.held(1, asked_at=100.0)
        other.seen(1, 1, now=100.0 + delay)
        for tenth in range(200):
            now = 100.0 + tenth / 10
            assert not (holder.may_send(now=now) and other.may_take(now=now))

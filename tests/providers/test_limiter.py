from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest
from redis import Redis
from structlog.testing import capture_logs

from bin.embedded_redis import EmbeddedRedis
from errors import RateLimited
from providers import limiter_stores
from providers.day_budget import RESERVE
from providers.limiter import Limiter, Limits, fast_redis
from tests.providers.peer import peer, silent

FEW = Limits(per_minute=4, in_flight=2, app_per_minute=100)
MINUTE_429 = {"X-Rate-Limit-Problem": "minute", "Retry-After": "22"}


def limiter(url: str | None, *, limits: Limits = FEW, max_wait_seconds: float = 0.0) -> Limiter:
    redis = None if url is None else fast_redis(url, timeout_seconds=0.3)
    return Limiter(redis, provider="xero", limits=limits, max_wait_seconds=max_wait_seconds)


@pytest.fixture(params=["redis", "alone"])
def pair(request: pytest.FixtureRequest) -> tuple[Limiter, Limiter]:
    """Two processes' limiters on one Redis; or, without Redis, one process's own."""
    if request.param == "alone":
        one = limiter(None)
        return one, one
    url = request.getfixturevalue("redis_url")
    return limiter(url), limiter(url)


def spend(some: Limiter, tenant: str = "acme", *, times: int = 1) -> None:
    for _ in range(times):
        with some.slot(tenant):
            pass


def test_the_minute_is_shared_and_the_next_call_is_told_when(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    spend(one, times=2)
    spend(other, times=2)
    with pytest.raises(RateLimited) as trouble:
        spend(one)
    assert trouble.value.after is not None and 50 < trouble.value.after <= 60


@pytest.mark.parametrize("shared", [True, False])
def test_a_limit_by_the_second_spreads_calls_over_seconds(
    request: pytest.FixtureRequest, shared: bool
) -> None:
    url = request.getfixturevalue("redis_url") if shared else None
    quick = limiter(url, limits=Limits(per_minute=100, in_flight=2, per_second=2))
    spend(quick, times=2)
    with pytest.raises(RateLimited):
        spend(quick)
    time.sleep(1.05)
    spend(quick, times=2)


def test_another_tenant_has_a_minute_of_its_own(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    spend(one, times=4)
    spend(other, "zenith", times=4)


def test_no_more_than_the_places_in_flight_are_given(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    with one.slot("acme"), other.slot("acme"), pytest.raises(RateLimited) as trouble:
        spend(one)
    assert trouble.value.after is not None and trouble.value.after <= 2
    spend(other)


def test_a_place_is_given_back_when_the_call_fails(pair: tuple[Limiter, Limiter]) -> None:
    one, _ = pair
    for _ in range(3):
        with pytest.raises(ValueError, match="call failed"), one.slot("acme"):
            raise ValueError("call failed")


def test_a_call_that_the_minute_refuses_takes_no_place(pair: tuple[Limiter, Limiter]) -> None:
    one, _ = pair
    spend(one, times=4)
    for _ in range(3):
        with pytest.raises(RateLimited) as trouble:
            spend(one)
        assert trouble.value.after is not None and trouble.value.after > 50


def test_a_call_waits_a_little_for_a_place(redis_url: str) -> None:
    patient = limiter(redis_url, limits=Limits(per_minute=50, in_flight=1), max_wait_seconds=2.0)
    with ExitStack() as held:
        held.enter_context(patient.slot("acme"))
        timer = threading.Timer(0.2, held.close)
        timer.start()
        spend(patient)
        timer.join()


def test_twenty_threads_never_hold_more_places_than_there_are(redis_url: str) -> None:
    patient = limiter(redis_url, limits=Limits(per_minute=500, in_flight=3), max_wait_seconds=10.0)
    now, most, lock = [0], [0], threading.Lock()

    def work() -> None:
        with patient.slot("acme"):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.01)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 3


def test_a_429_stops_every_process_for_as_long_as_it_says(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    one.told("acme", MINUTE_429, 429)
    with pytest.raises(RateLimited) as trouble:
        spend(other)
    assert trouble.value.after is not None and 20 < trouble.value.after <= 22
    spend(other, "zenith")


def test_an_app_wide_429_stops_every_tenant(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    one.told("acme", {"X-Rate-Limit-Problem": "appminute"}, 429)
    with pytest.raises(RateLimited):
        spend(other, "zenith")


def test_a_shorter_wait_does_not_end_a_longer_one(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    one.told("acme", {"X-Rate-Limit-Problem": "day", "Retry-After": "5000"}, 429)
    other.told("acme", MINUTE_429, 429)
    with pytest.raises(RateLimited) as trouble:
        spend(one)
    assert trouble.value.after is not None and trouble.value.after > 4000


def test_a_spent_minute_in_the_headers_pauses_before_the_429(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    one.told("acme", {"X-MinLimit-Remaining": "0", "X-DayLimit-Remaining": "900"}, 200)
    with pytest.raises(RateLimited):
        spend(other)


def test_the_budget_tells_what_is_left(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    unknown = dict.fromkeys(("day_left", "day_reserve", "day_ends_at", "blocked_until"))
    assert one.budget("acme") == {"minute_left": 4, **unknown}
    spend(one)
    one.told("acme", {"X-MinLimit-Remaining": "2", "X-DayLimit-Remaining": "4984"}, 200)
    budget = other.budget("acme")
    assert (budget["minute_left"], budget["day_left"], budget["day_reserve"]) == (2, 4984, RESERVE)


def test_a_day_nearly_used_up_is_left_to_people(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    assert other.spare_until("acme") is None
    one.told("acme", {"X-DayLimit-Remaining": str(RESERVE)}, 200)
    assert other.spare_until("acme") is not None
    assert other.spare_until("zenith") is None
    spend(other)  # what a person asks for goes on


def test_a_day_used_up_tells_when_it_ends(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    one.told("acme", {"X-Rate-Limit-Problem": "day", "Retry-After": "5000"}, 429)
    ends = other.budget("acme")["day_ends_at"]
    assert ends is not None and ends == other.spare_until("acme")
    assert 4_900 < ends.timestamp() - time.time() <= 5_000


def test_the_budget_tells_until_when_calls_are_blocked(pair: tuple[Limiter, Limiter]) -> None:
    one, other = pair
    one.told("acme", MINUTE_429, 429)
    until = other.budget("acme")["blocked_until"]
    assert until is not None and 20 < until.timestamp() - time.time() <= 22.1


@pytest.mark.parametrize("told", ["", "many", "-1", "9" * 30])
def test_nonsense_in_the_headers_is_ignored(redis_url: str, told: str) -> None:
    one = limiter(redis_url)
    one.told("acme", {"X-MinLimit-Remaining": told, "X-DayLimit-Remaining": told}, 200)
    assert one.budget("acme")["day_left"] is None
    spend(one)


def test_without_redis_calls_go_on_under_the_processs_own_limit(own_redis: EmbeddedRedis) -> None:
    one = limiter(own_redis.url)
    spend(one)
    own_redis.stop()
    with capture_logs() as logs:
        spend(one, times=4)
        with pytest.raises(RateLimited):
            spend(one)
    assert [log["event"] for log in logs] == ["limiter_alone"]


def test_redis_going_away_during_a_call_does_not_fail_the_call(own_redis: EmbeddedRedis) -> None:
    one = limiter(own_redis.url)
    with one.slot("acme"):
        own_redis.stop()
    one.told("acme", MINUTE_429, 429)
    with pytest.raises(RateLimited):
        spend(one)


def test_a_frozen_redis_costs_one_short_time_out_and_no_more() -> None:
    with peer(silent) as url:
        one = limiter(url.replace("http", "redis"))
        started = time.monotonic()
        spend(one, times=3)
        one.told("acme", {"X-DayLimit-Remaining": "7"}, 200)
        assert time.monotonic() - started < 1.0
        assert one.budget("acme")["day_left"] == 7


def test_redis_is_used_again_when_it_is_back(own_redis: EmbeddedRedis) -> None:
    broken = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    one = Limiter(broken, provider="xero", limits=FEW, max_wait_seconds=0.0, retry_redis_seconds=0.0)
    spend(one)
    broken.connection_pool = fast_redis(own_redis.url).connection_pool
    spend(one)
    assert limiter(own_redis.url).budget("acme")["minute_left"] == 3


def test_a_killed_workers_place_frees_itself(redis_url: str) -> None:
    with limiter(redis_url).slot("acme"):
        client = Redis.from_url(redis_url)
        (place,) = client.keys("limit:xero:place:*")
        assert 0 < client.ttl(place) <= 15


def test_a_long_call_keeps_its_place(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter_stores, "PLACE_SECONDS", 0.9)
    busy, other = limiter(redis_url), limiter(redis_url)
    with busy.slot("acme"), busy.slot("acme"):
        time.sleep(2)
        with pytest.raises(RateLimited):
            spend(other)
    spend(other)

"""The day's calls: what is believed, when the day ends, and when routine work must wait."""

from __future__ import annotations

import pytest

from providers.day_budget import (
    BELIEVED_SECONDS,
    DAY_SECONDS,
    RESERVE,
    Day,
    after_answer,
    after_refusal,
    from_text,
)

NOW = 1_800_000_000.0
HOUR = 3600.0


def told(*counts: tuple[float, int]) -> Day:
    """What is known after answers at these hours said that so many calls are left."""
    day: Day | None = None
    for hour, left in counts:
        day = after_answer(day, left=left, now=NOW + hour * HOUR)
    assert day is not None
    return day


@pytest.mark.parametrize(("left", "waits"), [(RESERVE + 1, False), (RESERVE, True), (0, True)])
def test_routine_work_stops_before_the_reserve(left: int, waits: bool) -> None:
    assert (told((0, left)).spare_until(NOW) is not None) == waits


def test_without_a_known_end_a_low_count_is_tried_again_after_some_hours() -> None:
    day = told((0, 7))
    assert day.spare_until(NOW + 60) == NOW + BELIEVED_SECONDS
    assert day.spare_until(NOW + BELIEVED_SECONDS) is None
    assert day.left_at(NOW + BELIEVED_SECONDS) is None


def test_a_count_that_jumps_up_tells_when_the_days_begin() -> None:
    day = told((0, 900), (1, 5_000), (2, 90))
    assert day.spare_until(NOW + 2 * HOUR) == NOW + HOUR + DAY_SECONDS


@pytest.mark.parametrize("counts", [((0, 900), (1, 905)), ((0, 900), (9, 5_000))], ids=["disorder", "a gap"])
def test_answers_in_disorder_and_long_silence_tell_no_end(counts: tuple[tuple[float, int], ...]) -> None:
    assert told(*counts).end_after(NOW + 9 * HOUR) is None


def test_a_refusal_tells_the_end_and_the_next_days_end_at_the_same_hour() -> None:
    day = after_refusal(seconds=5_000, now=NOW)
    assert day.spare_until(NOW + 1) == NOW + 5_000
    assert day.spare_until(NOW + 5_000) is None
    again = after_answer(day, left=40, now=NOW + 2 * HOUR)
    assert again.spare_until(NOW + 2 * HOUR) == NOW + 5_000 + DAY_SECONDS


def test_what_was_told_before_the_day_ended_says_nothing_of_the_next() -> None:
    day = after_answer(after_refusal(seconds=5_000, now=NOW), left=3, now=NOW + 4_990)
    assert (day.left_at(NOW + 4_999), day.left_at(NOW + 5_001)) == (3, None)


def test_it_is_kept_as_text() -> None:
    day = told((0, 900), (1, 5_000))
    assert from_text(day.to_text()) == day

"""An answer is worked out once for each snapshot, and never carried to another."""

from dataclasses import dataclass, replace

from hyperpod_operator.core.engine.once import once


@dataclass(frozen=True)
class Look:
    size: int


def test_a_question_is_answered_once_for_a_snapshot() -> None:
    asked = []

    @once
    def doubled(look: Look) -> int:
        asked.append(look)
        return look.size * 2

    look = Look(2)
    assert (doubled(look), doubled(look)) == (4, 4)
    assert len(asked) == 1


def test_another_snapshot_is_asked_again() -> None:
    @once
    def doubled(look: Look) -> int:
        return look.size * 2

    look = Look(2)
    assert (doubled(look), doubled(replace(look, size=3))) == (4, 6)


def test_an_answer_that_is_none_or_false_is_kept() -> None:
    asked = []

    @once
    def nothing(look: Look) -> None:
        asked.append(look)

    look = Look(2)
    assert (nothing(look), nothing(look)) == (None, None)
    assert len(asked) == 1


def test_two_questions_do_not_share_an_answer() -> None:
    @once
    def half(look: Look) -> int:
        return look.size // 2

    @once
    def square(look: Look) -> int:
        return look.size**2

    look = Look(4)
    assert (half(look), square(look)) == (2, 16)


def test_an_answer_takes_no_part_in_a_comparison() -> None:
    @once
    def doubled(look: Look) -> int:
        return look.size * 2

    look = Look(2)
    doubled(look)
    assert look == Look(2)
    assert repr(look) == repr(Look(2))

"""Running a coroutine step by step, so that somebody can look before and after each one.

A step is what happens between two waits: the event loop does nothing else meanwhile.
"""

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


@types.coroutine
def stepped(
    work: Coroutine[Any, Any, T], *, before: Callable[[], None], after: Callable[[], None]
) -> Generator[Any, Any, T]:
    """As `await work`, with `before` and `after` called around each step, also around one that fails."""
    value: Any = None
    thrown: BaseException | None = None
    while True:
        before()
        try:
            waited_for = work.send(value) if thrown is None else work.throw(thrown)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            after()
        value, thrown = None, None
        try:
            value = yield waited_for
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:
            # Cancellation, too: it is the work that decides what becomes of it.
            thrown = error

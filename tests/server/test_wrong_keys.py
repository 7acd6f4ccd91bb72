"""Who guesses keys waits longer each time; whoever has a right one never does."""

import asyncio

from starlette.requests import Request

from server.wrong_keys import MOST_PEERS, WrongKeys


class Watch:
    """Time that passes only while somebody sleeps; the pauses that were asked for."""

    def __init__(self) -> None:
        self.now_s, self.pauses_s = 0.0, list[float]()

    async def sleep(self, pause_s: float) -> None:
        self.pauses_s.append(round(pause_s, 3))


def request(peer: str | None) -> Request:
    return Request({"type": "http", "client": (peer, 1) if peer else None})


def guess(wrong_keys: WrongKeys, *peers: str | None) -> None:
    async def all_at_once() -> None:
        for peer in peers:
            await wrong_keys.slow_down(request(peer))

    asyncio.run(all_at_once())


def test_pauses_grow_and_wait_for_each_other_by_the_address_that_they_come_from() -> None:
    watch = Watch()
    wrong_keys = WrongKeys(lambda: watch.now_s, watch.sleep)

    guess(wrong_keys, *["a"] * 3, "b")
    assert watch.pauses_s == [0.1, 0.3, 0.7, 0.1], "guesses at once wait for one another"

    watch.now_s += 60
    guess(wrong_keys, *["a"] * 5)
    assert watch.pauses_s[-1] == 15.6, "and no single one for more than 5 s"

    watch.now_s += 601
    guess(wrong_keys, "a", None)
    assert watch.pauses_s[-2:] == [0.1, 0.1], "forgotten after ten minutes"


def test_only_so_many_guessers_are_remembered() -> None:
    watch = Watch()
    wrong_keys = WrongKeys(lambda: watch.now_s, watch.sleep)

    guess(wrong_keys, "first", *(str(number) for number in range(MOST_PEERS)), "first")

    assert watch.pauses_s[-1] == 0.1


def test_no_more_than_a_hundred_answers_wait() -> None:
    async def all_at_once() -> int:
        free, waiting = asyncio.Event(), 0

        async def sleep(pause_s: float) -> None:
            nonlocal waiting
            waiting += 1
            await free.wait()

        wrong_keys = WrongKeys(lambda: 0.0, sleep)
        tasks = [asyncio.create_task(wrong_keys.slow_down(request("a"))) for _ in range(150)]
        await asyncio.wait(tasks[100:])
        free.set()
        await asyncio.gather(*tasks)
        return waiting

    assert asyncio.run(all_at_once()) == 100

"""What an address asks of curves: by what they are drawn, how, and which groups of them are open."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

LINEAR, LOG = "linear", "log"
SMOOTHINGS: Final = (0.5, 0.8, 0.9, 0.97)
MOST_OPEN: Final = 50
# The names in addresses; a form of a page that keeps its other names leaves these to the form of curves.
X, Y, SMOOTH, OPEN = "curve-x", "curve-y", "smooth", "open"
NAMES: Final = frozenset((X, Y, SMOOTH, OPEN))


@dataclass(frozen=True)
class CurveQuery:
    """What the address asks for.

    Attributes:
        x: the horizontal axis: "_step", "epoch", "_runtime" or any other logged metric; "" for each metric's own.
        log: whether vertical axes are logarithmic; None leaves it to the values.
        smooth: weight of what came before in smoothed curves; 0 draws the values themselves.
        open: the groups that are folded otherwise.
    """

    x: str = ""
    log: bool | None = None
    smooth: float = 0.0
    open: tuple[str, ...] = ()

    def url(self, path: str, others: Iterable[tuple[str, str]] = ()) -> str:
        """The address of a page that has `others` too."""
        text = urlencode([*others, *self.pairs()])
        return f"{path}?{text}" if text else path

    def pairs(self) -> list[tuple[str, str]]:
        """The names and texts of its address; what is as usual is left out."""
        named = {
            X: self.x,
            Y: "" if self.log is None else LOG if self.log else LINEAR,
            SMOOTH: f"{self.smooth:g}" if self.smooth else "",
        }
        return [*((name, text) for name, text in named.items() if text), *((OPEN, group) for group in self.open)]


AS_USUAL: Final = CurveQuery()


def curve_query(pairs: Iterable[tuple[str, str]]) -> CurveQuery:
    """Reads an address' query; what makes no sense is as if it were not there."""
    found = list(pairs)
    given = dict(found)
    return CurveQuery(
        x=given.get(X, ""),
        log={LOG: True, LINEAR: False}.get(given.get(Y, "")),
        smooth=next((weight for weight in SMOOTHINGS if f"{weight:g}" == given.get(SMOOTH)), 0.0),
        open=tuple(dict.fromkeys(text for name, text in found if name == OPEN))[:MOST_OPEN],
    )

"""The colours of rendered pictures and pages, as sRGB; those of bodies and targets are Okabe and Ito's."""

from bgpbt.policies.rendering.scene import Role

__all__ = ["COLOURS", "GROUND_DARK", "GROUND_LIGHT", "HORIZON", "SKY"]

Colour = tuple[float, float, float]


def _rgb(text: str) -> Colour:
    red, green, blue = (int(text[start : start + 2], 16) / 255 for start in (0, 2, 4))
    return red, green, blue


COLOURS: dict[Role, Colour] = {
    "torso": _rgb("0072B2"),  # blue
    "limb": _rgb("56B4E9"),  # sky blue
    "target": _rgb("D55E00"),  # vermilion
    "fixture": _rgb("A0A4A8"),
}

SKY, HORIZON = _rgb("DCE6EE"), _rgb("F4F6F8")
GROUND_LIGHT, GROUND_DARK = _rgb("E9EBED"), _rgb("D5D9DD")

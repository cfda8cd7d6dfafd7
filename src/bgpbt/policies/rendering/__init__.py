"""A policy's episode as pictures and as a page, without a display."""

from bgpbt.policies.rendering.motion import Motion, move
from bgpbt.policies.rendering.page import page_of, write_page
from bgpbt.policies.rendering.pictures import Film, write_gif, write_mp4
from bgpbt.policies.rendering.raycast import Image

__all__ = ["Film", "Image", "Motion", "move", "page_of", "write_gif", "write_mp4", "write_page"]

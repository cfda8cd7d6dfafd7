from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from bgpbt import envs
from bgpbt.cli import main
from bgpbt.errors import InputError
from bgpbt.policies import TrainedPolicy
from bgpbt.policies.rendering import Film, Motion, move, page_of, write_gif, write_mp4, write_page
from bgpbt.policies.rendering.camera import view_of
from bgpbt.policies.rendering.pictures import frame_steps
from bgpbt.policies.rendering.raycast import draw
from bgpbt.policies.rendering.rotations import to_matrix
from bgpbt.policies.rendering.scene import Scene, Shape, scene_of

UPRIGHT = (1.0, 0.0, 0.0, 0.0)
TURNED = (np.sqrt(0.5), 0.0, np.sqrt(0.5), 0.0)  # z onto x


def standing(*shapes: Shape, steps: int = 3) -> Motion:
    """A motion in which nothing moves; every shape has a body of its own."""
    bodies = len(shapes)
    return Motion(
        scene=Scene(shapes=shapes, step_s=0.02),
        environment="still life",
        position_tb3=np.zeros((steps, bodies, 3), np.float32),
        rotation_tb4=np.tile(np.array(UPRIGHT, np.float32), (steps, bodies, 1)),
        return_t=np.arange(steps, dtype=np.float32),
        terminated=False,
    )


def solid(kind: str, size: tuple[float, float, float], **changes: object) -> Shape:
    shape = Shape(
        kind=kind,  # type: ignore[arg-type]
        body=0,
        position=(0.0, 0.0, 1.0),
        rotation=UPRIGHT,
        size=size,
        role="torso",
    )
    return replace(shape, **changes)  # type: ignore[arg-type]


def area(motion: Motion, *, distance: float = 4.0, height: float = 1.0) -> float:
    """The share of the picture that blue solids cover, seen from the side."""
    view = replace(
        view_of(motion),
        focus_t3=np.tile([0.0, 0.0, height], (len(motion.return_t), 1)),
        direction=np.array([0.0, -1.0, 0.0]),
        distance=distance,
    )
    picture = draw(motion, view, 0, width=200, height=200).astype(int)
    return float(np.mean(picture[..., 2] - picture[..., 0] > 60))


@pytest.fixture(scope="module")
def motion(policy: TrainedPolicy) -> Motion:
    return move(policy, seed=1, steps=40)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("name", envs.names()[:7])
def test_every_task_of_the_paper_says_what_it_looks_like(name: str) -> None:
    scene = scene_of(envs.make(name))
    roles = {shape.role for shape in scene.shapes}
    assert "torso" in roles
    assert ("target" in roles) == (name in ("fetch", "reacher", "ur5e"))
    assert all(shape.size[0] > 0 for shape in scene.shapes)
    assert 0.01 < scene.step_s < 0.051


def test_a_newer_task_has_the_world_as_its_first_body(policy: TrainedPolicy) -> None:
    environment = envs.make("brax:inverted_pendulum")
    scene = scene_of(environment)
    assert {shape.body for shape in scene.shapes if shape.role == "fixture"} <= {0}
    assert max(shape.body for shape in scene.shapes) == 2


def test_an_episode_adds_up_rewards_and_ends_with_the_task(policy: TrainedPolicy, motion: Motion) -> None:
    environment = envs.make("reacher")
    assert motion.position_tb3.shape == (41, 4, 3)
    assert motion.seconds == pytest.approx(40 * 0.02)
    start_key, _ = jax.random.split(np.array([0, 1], np.uint32))
    state = environment.reset(start_key)
    total = 0.0
    for t in range(3):
        np.testing.assert_allclose(state.physics.bodies.pos, motion.position_tb3[t], atol=1e-5)
        state = environment.step(state, jnp.asarray(policy.act(state.observation)))
        total += float(state.reward)
    assert motion.return_t[3] == pytest.approx(total, rel=1e-4)


def test_quaternions_turn_as_matrices() -> None:
    np.testing.assert_allclose(to_matrix(TURNED) @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(to_matrix([2.0, 0, 0, 0]), np.eye(3))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (solid("sphere", (0.5, 0, 0)), np.pi * 0.5**2),
        (solid("capsule", (0.3, 0.4, 0)), np.pi * 0.3**2 + 0.6 * 0.8),
        (solid("capsule", (0.3, 0.4, 0), rotation=TURNED), np.pi * 0.3**2 + 0.6 * 0.8),
        (solid("capsule", (0.5, 0.0, 0)), np.pi * 0.5**2),
        (solid("box", (0.5, 0.01, 0.25)), 1.0 * 0.5),
    ],
)
def test_solids_cover_what_geometry_says(shape: Shape, expected: float) -> None:
    # So far away that perspective hardly matters, and so high up that the ground hides nothing.
    large = replace(
        shape, size=(10 * shape.size[0], 10 * shape.size[1], 10 * shape.size[2]), position=(0.0, 0.0, 50.0)
    )
    whole = (2 * 60.0 * np.tan(np.deg2rad(17.0))) ** 2
    covered = area(standing(large), distance=60.0, height=50.0) * whole
    assert covered == pytest.approx(100 * expected, rel=0.07)


def test_what_is_in_front_hides_what_is_behind() -> None:
    front = solid("sphere", (0.4, 0, 0), role="target", position=(0.0, -1.0, 1.0))
    behind = solid("sphere", (0.2, 0, 0))
    assert area(standing(behind)) > 0.005
    assert area(standing(behind, replace(front, body=1))) == 0
    assert area(standing(replace(front, body=1), behind)) == 0  # whatever is drawn first


def test_the_camera_follows_a_runner_and_rests_for_an_arm(motion: Motion) -> None:
    assert np.ptp(view_of(motion).focus_t3, axis=0).max() == 0
    runner = standing(solid("sphere", (0.3, 0, 0)), steps=200)
    runner.position_tb3[:, 0, 0] = np.linspace(0, 20, 200) + 0.2 * np.sin(np.arange(200))
    focus_t3 = view_of(runner).focus_t3
    assert np.abs(focus_t3[50:150, 0] - np.linspace(0, 20, 200)[50:150]).max() < 0.1
    assert np.abs(np.diff(focus_t3[50:150, 0], n=2)).max() < 0.01


def test_frames_keep_time() -> None:
    motion = standing(solid("sphere", (0.3, 0, 0)), steps=101)  # two seconds
    assert frame_steps(motion, Film(frames_per_second=25)) == list(range(0, 101, 2))
    assert frame_steps(motion, Film(frames_per_second=25, speed=0.5)) == list(range(101))
    assert len(frame_steps(motion, Film(frames_per_second=10, seconds=1.0))) == 10


def test_a_gif_holds_every_frame_and_moves(motion: Motion, tmp_path: Path) -> None:
    path = tmp_path / "agent.gif"
    write_gif(motion, path, Film(width=96, height=72))
    with Image.open(path) as gif:
        assert gif.size == (96, 72)
        durations = []
        pictures = []
        for frame in range(getattr(gif, "n_frames", 1)):
            gif.seek(frame)
            durations.append(gif.info["duration"])
            pictures.append(np.asarray(gif.convert("RGB")))
    assert sum(durations) == 40 * len(frame_steps(motion, Film()))  # equal frames may be merged
    assert any(np.any(first != second) for first, second in pairwise(pictures))


def test_a_video_is_readable(motion: Motion, tmp_path: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "agent.mp4"
    write_mp4(motion, path, Film(width=97, height=72))
    frames, _ = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == len(frame_steps(motion, Film()))


def test_the_page_plays_without_any_request_or_complaint(
    motion: Motion, tmp_path: Path, browser: Browser
) -> None:
    path = tmp_path / "agent.html"
    write_page(motion, path, caption="</script><b id=injected>bold</b>")
    page = browser.new_page(viewport={"width": 600, "height": 500})
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    expect(page.locator("#time")).not_to_have_text("0.00 s of 0.80 s")
    assert page.query_selector("#injected") is None
    assert page.text_content("#caption") == "</script><b id=injected>bold</b>"
    page.keyboard.press("End")
    expect(page.locator("#play")).to_have_text("Play")
    assert page.text_content("#return") == f"return {motion.return_t[-1]:.1f}"
    assert page.text_content("#time") == "0.80 s of 0.80 s"
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#time")).to_have_text("0.78 s of 0.80 s")
    before = page.locator("canvas").screenshot()
    page.mouse.move(300, 200)
    page.mouse.down()
    page.mouse.move(400, 260)
    page.mouse.up()
    page.wait_for_timeout(200)
    assert page.locator("canvas").screenshot() != before
    assert complaints == []
    assert requests == [path.as_uri()]
    page.close()


def test_a_page_of_a_whole_episode_stays_small(motion: Motion) -> None:
    assert len(page_of(motion)) < 50_000
    assert "http://" not in page_of(motion)
    assert "https://" not in page_of(motion)


def test_the_command_renders_a_run(
    run: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = str(run.path)  # type: ignore[attr-defined]
    small = ["--width", "64", "--height", "48", "--steps", "10"]
    assert main(["render", path, *small]) == 0
    assert {file.name for file in tmp_path.iterdir()} == {
        "reacher-pbt-hpo-seed3.gif",
        "reacher-pbt-hpo-seed3.html",
    }
    assert capsys.readouterr().out.count("0.2 s, not over, return") == 2
    assert main(["render", path, "-o", "agent.bmp"]) == 2
    assert "must end in .gif, .mp4, .html" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes", [{"width": 8}, {"frames_per_second": 0}, {"seconds": 0.0}, {"speed": 0.0}]
)
def test_a_film_that_cannot_be_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(InputError):
        Film(**changes)

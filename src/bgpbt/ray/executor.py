"""Orders carried out by workers of a Ray cluster.

A worker is a Ray actor that keeps its trainer, and what that has compiled, from round to round. The weights
that an order starts from go to it through Ray's object store, once for all orders that start from them, and
what it makes comes back the same way. Only this process writes the run's directory.

A worker or a machine that dies takes no order with it: the order is run again elsewhere, and since it carries
its seed, with the same result. An order that kills every worker it meets fails after a few.
"""

import contextlib
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from bgpbt import checks
from bgpbt.contracts import Checkpoints, HasChildren, Trainer
from bgpbt.errors import ClusterLostError, InputError, one_line
from bgpbt.execution import StopSwitch
from bgpbt.execution.attempt import attempt, failed
from bgpbt.ray.resources import MemberResources
from bgpbt.records import Checkpoint, Order, Outcome
from bgpbt.trainers.errand import Content, Errand, Yield, carry_out, unpack

__all__ = ["RayExecutor", "check_address"]

MOST_DEATHS = 3  # workers that an order may lose; one is a machine's fault, three are the order's
_POLL_INTERVAL_S = 0.2  # how soon a request to stop is noticed
_PROBE_S = 5.0  # for a machine to answer at all
_FAREWELL_S = 5.0  # for workers to end the processes that they have started


class RayExecutor:
    """Runs orders on a Ray cluster, as many at a time as fit; members beyond that take turns.

    Use it as a context manager, or call `close`: its workers hold their resources until then.

    Args:
        make_trainer: makes a worker's trainer, on the worker; it travels as a pickle.
        checkpoints: where weights come from and go to; stays in this process.
        resources: what a member occupies.
        max_parallel: members trained at the same time, at most; None: as many as fit.
        address: of a cluster, such as `auto`; None: the one this process is connected to, or else a cluster
            of this machine alone that ends with `close`.
        switch: ends the run soon when it is thrown.

    Raises:
        InputError: the cluster cannot be reached, or `max_parallel` is less than 1.
    """

    def __init__(
        self,
        make_trainer: Callable[[], Trainer],
        checkpoints: Checkpoints,
        *,
        resources: MemberResources | None = None,
        max_parallel: int | None = None,
        address: str | None = None,
        switch: StopSwitch | None = None,
    ) -> None:
        if max_parallel is not None:
            checks.at_least("max_parallel", max_parallel, 1)
        self._checkpoints = checkpoints
        self._resources = resources or MemberResources()
        self._max_parallel = max_parallel
        self._switch = switch or StopSwitch()
        self._disconnects = _connect(address)
        self._make_trainer = ray.put(make_trainer)
        self._hired: dict[Any, Any] = {}  # first sign of life to an actor that has no machine yet
        self._stillborn = 0  # actors in a row that never gave one
        self._idle: list[Any] = []  # actors
        self._busy: dict[Any, tuple[Any, Order, float]] = {}  # result to actor, order, and when it began
        self._deaths: dict[tuple[int, int], int] = {}  # by round and member

    def __enter__(self) -> "RayExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        """Yield one outcome for each order, as they come.

        Raises:
            StopRequested: the run was asked to end.
            DamagedRunError: a checkpoint to start from is damaged.
            StorageError: a checkpoint could not be written or read.
            ClusterLostError: the cluster does not answer any more.
            InputError: no machine of the cluster is large enough for a member, or a trainer cannot be made.
        """
        waiting = deque(orders)
        sent: dict[Checkpoint, Any] = {}
        finished = False
        try:
            while waiting or self._busy:
                self._switch.check()
                self._hire(len(waiting))
                self._hand_out(waiting, sent)
                ready, _ = ray.wait([*self._busy, *self._hired], num_returns=1, timeout=_POLL_INTERVAL_S)
                for result in ready:
                    if result in self._hired:
                        self._welcome(result)
                        continue
                    outcome = self._receive(result, waiting)
                    if outcome is not None:
                        yield outcome
            finished = True
        except RayError as error:
            raise ClusterLostError(f"Ray's cluster does not answer any more: {one_line(error)}") from error
        finally:
            if not finished:  # Ctrl-C, an error here, or one of whoever takes the outcomes
                self._dismiss()

    def close(self) -> None:
        """End all workers, and the cluster if it was started here; closing twice is fine."""
        self._dismiss()
        if self._disconnects:
            self._disconnects = False
            ray.shutdown()

    def _hire(self, orders: int) -> None:
        """Ask for as many workers as there is room and work for; some may have to wait for a machine."""
        if orders == 0:
            return
        has = len(self._idle) + len(self._hired)
        for _ in range(min(orders, self._room() - len(self._busy)) - has):
            actor = self._new_worker()
            self._hired[actor.is_there.remote()] = actor

    def _welcome(self, sign_of_life: Any) -> None:
        actor = self._hired.pop(sign_of_life)
        try:
            ray.get(sign_of_life)
        except RayError as error:
            self._stillborn += 1
            if self._stillborn == MOST_DEATHS:
                raise InputError(f"workers cannot be started: {one_line(error)}") from error
            return
        self._stillborn = 0
        self._idle.append(actor)

    def _hand_out(self, waiting: deque[Order], sent: dict[Checkpoint, Any]) -> None:
        """Give waiting orders to idle workers; none waits for a worker that has no machine."""
        while waiting and self._idle:
            order, actor = waiting.popleft(), self._idle.pop()
            names = order.start.reads
            for name in names:
                if name not in sent:
                    sent[name] = ray.put(self._checkpoints.load(name))
            result = actor.train.remote(order, names, *(sent[name] for name in names))
            self._busy[result] = (actor, order, time.perf_counter())

    def _receive(self, result: Any, waiting: deque[Order]) -> Outcome | None:
        """Return an outcome, or None if the worker is lost and its order waits again."""
        actor, order, began = self._busy.pop(result)
        try:
            came_back: Yield = ray.get(result)
        except RayTaskError as error:  # the trainer raised what ends the run, or cannot be made
            raise error.cause from error
        except RayError as error:
            _kill(actor)
            address = (order.round, order.member)
            self._deaths[address] = self._deaths.get(address, 0) + 1
            if self._deaths[address] < MOST_DEATHS:
                waiting.appendleft(order)
                return None
            reason = f"{MOST_DEATHS} workers died of it, the last: {one_line(error)}"
            return failed(order, reason, time.perf_counter() - began)
        self._idle.append(actor)
        return unpack(came_back, self._checkpoints)

    def _room(self) -> int:
        """Return how many members can train at the same time."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        room = sum(self._resources.fitting(node) for node in nodes)
        if room == 0:
            largest = max(
                (f"cpu={node.get('CPU', 0):g},gpu={node.get('GPU', 0):g}" for node in nodes), default=""
            )
            raise InputError(
                f"a member needs {self._resources}, but no machine is so large; one has {largest}"
            )
        return room if self._max_parallel is None else min(room, self._max_parallel)

    def _new_worker(self) -> Any:
        environment = {}
        if 0.0 < self._resources.gpus < 1.0:  # XLA would take most of the GPU for the first member
            environment["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        actor_class: Any = ray.remote(_Worker)
        return actor_class.options(
            num_cpus=self._resources.cpus,
            num_gpus=self._resources.gpus,
            max_concurrency=2,  # one trains, one can tell it to end
            runtime_env={"env_vars": environment} if environment else None,
        ).remote(self._make_trainer)

    def _dismiss(self) -> None:
        """End all workers and what they have started."""
        if not ray.is_initialized():
            return
        actors = [*self._hired.values(), *self._idle, *(actor for actor, _, _ in self._busy.values())]
        farewells = [actor.end_children.remote() for actor, _, _ in self._busy.values()]
        self._hired, self._idle, self._busy = {}, [], {}
        if farewells:
            ray.wait(farewells, num_returns=len(farewells), timeout=_FAREWELL_S)
        for actor in actors:
            _kill(actor)


class _Worker:
    """Trains one member at a time."""

    def __init__(self, make_trainer: Callable[[], Trainer]) -> None:
        self._make_trainer = make_trainer
        self._trainer: Trainer | None = None

    def is_there(self) -> bool:
        return True

    def train(self, order: Order, names: Sequence[Checkpoint], *contents: Content) -> Yield:
        # Made here, since what a constructor raises is not told from a worker that died.
        self._trainer = self._trainer or self._make_trainer()
        errand = Errand(order=order, luggage=dict(zip(names, contents, strict=True)))
        return carry_out(errand, self._trainer, attempt)

    def end_children(self) -> None:
        if isinstance(self._trainer, HasChildren):
            self._trainer.end_children()


def check_address(address: str | None) -> None:
    """Refuse a HOST:PORT where nothing listens; Ray would try for minutes.

    Raises:
        InputError: nothing answers there.
    """
    host, colon, port = (address or "").rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        return  # `auto`, or another form that Ray itself understands or refuses at once
    try:
        socket.create_connection((host, int(port)), timeout=_PROBE_S).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"address = {address!r}: no Ray cluster answers there: {error}") from error


def _connect(address: str | None) -> bool:
    """Connect to a cluster; return whether to disconnect at the end."""
    if ray.is_initialized():
        if address is not None:
            raise InputError(f"address = {address!r}: this process is connected to a cluster already")
        return False
    check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent unless a user asks for it
    # Given an address, Ray takes no size; given none, it would join the cluster of RAY_ADDRESS.
    local: dict[str, Any] = {} if address is not None else {"include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, **local)
    except (ConnectionError, RayError, ValueError, RuntimeError) as error:
        hint = "" if address is None else "; if it asks for a token, set RAY_AUTH_MODE=token here too"
        where = address or "this machine"
        raise InputError(f"the Ray cluster at {where}: {one_line(error)}{hint}") from error
    return True


def _kill(actor: Any) -> None:
    with contextlib.suppress(RayError):
        ray.kill(actor)

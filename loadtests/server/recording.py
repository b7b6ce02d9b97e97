"""The simulated recording server as its callers see it: what is recorded and what is answered.

Pure: the HTTP shell and a simulation with a virtual clock drive the same object. It joins the queue
(`capacity`), the faults and the keys. Must not know sockets, bodies or files.

A request is recorded at the end of its service, in one step with the look at its key, so that of
two requests with the same key in hand only one has an effect where keys are honoured.
"""

from dataclasses import dataclass
from itertools import count
from random import Random

from loadtests import logs
from loadtests.server.capacity import Capacity, Changed, Ended, Fate
from loadtests.server.exchange import How, Reply, Request
from loadtests.server.faults import Errors, Fault, Script
from loadtests.server.model import Mode, Model, State
from loadtests.server.recorded import Record, RecordedKeys


@dataclass(slots=True)
class _InHand:
    request: Request
    received_at: float
    attempt: int
    heard: bool = True


Happening = Reply | logs.Recorded | logs.State


class RecordingServer:
    """A recording server, moved on by `now` (wall-clock seconds, never backwards).

    After every call ask `advance` for what happened, in order: an effect (`logs.Recorded`) comes
    before the answer that tells of it, and must be written down before that answer is sent.
    """

    def __init__(
        self,
        model: Model,
        *,
        seed: int,
        now: float,
        honours_key: bool = True,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        self._model = model
        self._seed = seed
        self._started_at = self._now = now
        self._honours_key = honours_key
        self._rng = Random(f"answers/{seed}")
        self._capacity: Capacity[int] = Capacity(model, Random(f"service/{seed}"), now=now)
        self._mode: Mode | None = None
        self._script = Script()
        self._script.add(faults, now=now)
        self._keys = RecordedKeys()
        self._tickets = count(1)
        self._in_hand: dict[int, _InHand] = {}
        self._silent: set[int] = set()  # who came or waited while the server hung
        self._happenings: list[Happening] = []
        self._received = self._recorded = self._refused = 0
        self._run_to(now)

    @property
    def mode(self) -> Mode | None:
        """How it is down; None: it is not."""
        return self._mode

    @property
    def state(self) -> State:
        """Up, down, or returning."""
        return self._capacity.state

    @property
    def down_until(self) -> float | None:
        """When it will be back; None: it is not down."""
        return self._capacity.down_until

    def describe(self) -> logs.Server:
        """Describe the server: the first line of its ledger."""
        model = self._model
        return logs.Server(
            at=self._started_at,
            workers=model.workers,
            service_seconds=model.service_seconds,
            cv=model.cv,
            collapse_at=model.collapse_at,
            down_seconds=model.down_seconds,
            honours_key=self._honours_key,
            seed=self._seed,
        )

    def totals(self, *, now: float) -> logs.Sample:
        """Tell the totals at this moment, and the most outstanding since the last `sample`."""
        self._run_to(now)
        return logs.Sample(
            at=now,
            received=self._received,
            recorded=self._recorded,
            refused=self._refused,
            outstanding=self._capacity.outstanding,
            max_outstanding=self._capacity.most_outstanding,
            capacity=self._capacity.per_second,
        )

    def sample(self, *, now: float) -> logs.Sample:
        """Tell the totals for the ledger, and begin a new second."""
        sample = self.totals(now=now)
        self._capacity.forget_most_outstanding()
        return sample

    def add_faults(self, faults: tuple[Fault, ...], *, now: float) -> None:
        """Add faults, their times counted from `now`."""
        self._script.add(faults, now=now)
        self._run_to(now)

    def arrive(self, request: Request, *, now: float) -> int:
        """Take a request; its `Reply` will carry the ticket returned here."""
        self._run_to(now)
        ticket = next(self._tickets)
        self._received += 1
        attempt = 1 if request.key is None else self._keys.see(request.key)
        if self._turned_away(ticket, now):
            self._refused += 1
        else:
            self._in_hand[ticket] = _InHand(request, now, attempt)
            self._capacity.arrive(ticket, now=now)
        return ticket

    def read(self, *, now: float) -> int:
        """Take a request that records nothing: answered at once (200) where the server is up."""
        self._run_to(now)
        ticket = next(self._tickets)
        if not self._turned_away(ticket, now):
            self._happenings.append(Reply(now, ticket, How.ANSWER, 200))
        return ticket

    def leave(self, ticket: int) -> None:
        """Forget a caller who has gone. The work stays: the server does not notice."""
        self._silent.discard(ticket)
        if ticket in self._in_hand:
            self._in_hand[ticket].heard = False

    def find(self, key: str) -> Record | None:
        """Look a key up among what is recorded."""
        return self._keys.find(key)

    def next_event(self) -> float | None:
        """When `advance` has something to tell next; None: not before the next arrival."""
        if self._happenings:
            return self._now
        times = (self._capacity.next_event(), self._script.next_change())
        return min((at for at in times if at is not None), default=None)

    def advance(self, now: float) -> list[Happening]:
        """Run until `now` and tell what happened since the last call, in order."""
        self._run_to(now)
        happenings, self._happenings = self._happenings, []
        return happenings

    def _run_to(self, now: float) -> None:
        while (at := self._script.next_change()) is not None and at <= now:
            self._work_until(at)
            stops = self._script.advance(at)
            conditions = self._script.conditions
            self._capacity.set_pace(
                workers_factor=conditions.workers_factor,
                service_factor=conditions.service_factor,
                now=at,
            )
            for stop in stops:
                self._capacity.stop(
                    stop.mode, stop.duration_seconds, stop.kind, drop=stop.drops, now=at
                )
        self._work_until(now)
        self._now = now

    def _work_until(self, now: float) -> None:
        for event in self._capacity.advance(now):
            if isinstance(event, Changed):
                self._change(event)
            else:
                self._end(event)

    def _change(self, event: Changed) -> None:
        self._mode = event.mode
        self._happenings.append(logs.State(event.at, event.state, event.cause))
        if event.mode is None:
            resets = (Reply(event.at, ticket, How.RESET, 0) for ticket in sorted(self._silent))
            self._happenings.extend(resets)
            self._silent.clear()

    def _end(self, event: Ended[int]) -> None:
        work = self._in_hand.pop(event.work)
        if event.fate is Fate.DONE:
            how = self._draw_how()
            answered = work.heard and how is How.ANSWER
            record = self._record(event, work, answered=answered)
            if work.heard:
                self._happenings.append(Reply(event.at, event.work, how, 201, record))
            return
        if event.fate is Fate.CUT:
            self._record(event, work, answered=False)
        if not work.heard:
            return
        if self._mode is Mode.HANG:
            self._silent.add(event.work)
        else:
            self._happenings.append(Reply(event.at, event.work, How.RESET, 0))

    def _record(self, event: Ended[int], work: _InHand, *, answered: bool) -> Record:
        request = work.request
        if request.key is not None and self._honours_key:
            known = self._keys.find(request.key)
            if known is not None:
                return known
        self._recorded += 1
        if request.key is not None:
            self._keys.record(request.key, self._recorded, event.at)
        self._happenings.append(
            logs.Recorded(
                number=self._recorded,
                at=event.at,
                received_at=work.received_at,
                key=request.key,
                enrollment=request.enrollment,
                sha256=request.sha256,
                bytes=request.bytes,
                ordering_key=request.ordering_key,
                attempt=work.attempt,
                answered=answered,
                outstanding=event.outstanding,
            )
        )
        return Record(self._recorded, event.at)

    def _draw_how(self) -> How:
        for fault in self._script.conditions.lost_answers:
            if self._rng.random() < fault.probability:
                return How.RESET if fault.kind == "lose_answers" else How.HALF
        return How.ANSWER

    def _turned_away(self, ticket: int, now: float) -> bool:
        """Say no, or nothing, to a caller where the server is down or answers with errors."""
        conditions = self._script.conditions
        if self._mode is Mode.HANG:
            self._silent.add(ticket)
            return True
        if self._mode in (Mode.REFUSE, Mode.RESET):
            self._happenings.append(Reply(now, ticket, How.RESET, 0))
            return True
        status = 503 if self._mode is Mode.UNAVAILABLE else self._draw_error(conditions.errors)
        if status is None:
            return False
        retry_after = conditions.retry_after if status in (429, 503) else None
        self._happenings.append(Reply(now, ticket, How.ANSWER, status, retry_after=retry_after))
        return True

    def _draw_error(self, errors: tuple[Errors, ...]) -> int | None:
        return next((e.status for e in errors if self._rng.random() < e.probability), None)

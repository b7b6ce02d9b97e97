"""The `server` command: options in, a running simulated recording server out."""

import contextlib
import json
import tomllib
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from loadtests.logs import LogWriter
from loadtests.server.faults import Fault, FaultScriptError, parse, parse_text
from loadtests.server.model import Mode, Model
from loadtests.server.recording import RecordingServer
from loadtests.server.serve import Address, serve


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Read a fault script: JSON (a list), or TOML with a `[[faults]]` table for each.

    Raises:
        FaultScriptError: it is neither, or a fault in it is none; the text names the place.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as wrong:
        raise FaultScriptError(f"{path.name} cannot be read: {wrong}") from wrong
    if isinstance(data, dict):
        if data.keys() != {"faults"}:
            raise FaultScriptError(f"{path.name} must hold a list named 'faults' and nothing else")
        data = data["faults"]
    return parse(data)


def server(  # noqa: PLR0913 - each option is an argument
    *,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")
    ] = "127.0.0.1:8000",
    control: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="A second listener for /_server/ and /metrics: it stays when the server refuses.",
        ),
    ] = "127.0.0.1:0",
    workers: Annotated[int, typer.Option(help="How many enrollments are recorded at once.")] = 10,
    service_seconds: Annotated[float, typer.Option(help="Mean time to record one.")] = 0.2,
    cv: Annotated[
        float, typer.Option(help="Coefficient of variation of that time; 0: always the same.")
    ] = 0.3,
    knee: Annotated[
        int | None, typer.Option(help="Outstanding above which each takes longer. Default: none.")
    ] = None,
    thrash: Annotated[
        float, typer.Option(help="How much longer, at twice the knee: 1 is twice as long.")
    ] = 1.0,
    collapse_at: Annotated[
        int | None,
        typer.Option(help="It collapses when more than these are outstanding. Default: never."),
    ] = None,
    down_seconds: Annotated[float, typer.Option(help="How long a collapse lasts.")] = 300.0,
    collapse_mode: Annotated[
        Mode, typer.Option(help="What it does with who comes while it is down.")
    ] = Mode.HANG,
    return_seconds: Annotated[
        float, typer.Option(help="How long until all workers are back after a collapse.")
    ] = 0.0,
    cut_share: Annotated[
        float,
        typer.Option(
            help="Probability that a collapse loses only the answer of what is in service."
        ),
    ] = 0.5,
    ignore_keys: Annotated[
        bool, typer.Option("--ignore-keys", help="The same Idempotency-Key twice: two effects.")
    ] = False,
    no_lookup: Annotated[
        bool, typer.Option("--no-lookup", help="No GET /enrollments/by-key/{key}.")
    ] = False,
    lose_answers: Annotated[
        float, typer.Option(help="Probability that one is recorded and its answer lost.")
    ] = 0.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="One fault, for example 'hang at_seconds=30 duration_seconds=60'. Repeatable. "
            "Kinds: crash, hang, refuse, 503, reset (duration_seconds); slow, capacity (factor); "
            "errors (status, probability); lose_answers, half_answer (probability); "
            "retry_after (seconds).",
        ),
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Faults as JSON (a list), or TOML (a list named faults)."
        ),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append every effect here. Default: off.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the same again.")] = 1,
) -> None:
    """Run the simulated recording server by itself.

    It records every POST, PUT, PATCH and DELETE, as fast as its workers can, and collapses when
    too many wait. When it listens it prints one JSON line with its addresses. Ctrl-C or SIGTERM
    ends it.
    """
    try:
        model = Model(
            workers=workers,
            service_seconds=service_seconds,
            cv=cv,
            knee=knee,
            thrash=thrash,
            collapse_at=collapse_at,
            down_seconds=down_seconds,
            collapse_mode=collapse_mode,
            return_seconds=return_seconds,
            cut_share=cut_share,
        )
        always = f"lose_answers probability={lose_answers}"
        script = (
            parse_text(always),
            *(parse_text(text) for text in fault or ()),
            *(read_faults(faults) if faults else ()),
        )
        addresses = _address(listen), _address(control)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong

    def make_server(now: float) -> RecordingServer:
        return RecordingServer(
            model, seed=seed, now=now, honours_key=not ignore_keys, faults=script
        )

    try:
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(LogWriter(ledger)) if ledger else None
            uvloop.run(
                serve(
                    make_server,
                    listen=addresses[0],
                    control_listen=addresses[1],
                    ledger=log,
                    lookup=not no_lookup,
                    announce=_announce,
                )
            )
    except OSError as wrong:
        typer.echo(f"The simulated server cannot go on: {wrong}", err=True)
        raise typer.Exit(2) from wrong


def _announce(listening: str, control: str) -> None:
    typer.echo(json.dumps({"listening": listening, "control": control}))


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 65536):
        raise ValueError(f"{text!r} is no address; write HOST:PORT, for example 127.0.0.1:8000")
    return host.strip("[]"), int(port)

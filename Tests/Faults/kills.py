"""Kills at random moments: half of them anywhere in a run, half from the moment that a file is begun."""

import os
import signal
import subprocess
import time

from commands import Run, environment, leftovers
from injection import DEATHS, judge_death


def run(bench, options):
    # The shorter a run, the more often.
    weights = [1 / (0.2 + bench.references[command.name][2]) for command in bench.commands]
    before = bench.kills
    while bench.kills - before < options.kills:
        command = bench.random.choices(bench.commands, weights)[0]
        if command.resumes:
            chain(bench, command)
        else:
            folder = bench.folder(command)
            death = bench.random.choice(DEATHS)
            done = struck(bench, command, folder, death)
            if done:
                judge_death(bench, f"{command.name}, {death.name} at {done.seconds:.3f} s", command, folder, done, death)


def chain(bench, command):
    """The same run, killed up to five times before it may end."""
    folder = bench.folder(command)
    title = command.name
    for _ in range(5):
        death = bench.random.choice(DEATHS)
        done = struck(bench, command, folder, death)
        if not done:
            break
        title += f", {death.name} at {done.seconds:.3f} s"
        if done.code not in (0, 130, 128 + int(death), -int(death)):
            bench.problem(title, done)
        if death != signal.SIGKILL:
            for left in leftovers(folder):
                bench.problem(f"{title}: {os.path.basename(left)} is left")
    bench.judge_next(title, command, folder)


def struck(bench, command, folder, death):
    """How a run ended that was struck; None if it ended before."""
    bench.runs += 1
    if bench.runs % 50 == 0:
        print(bench.counts, flush=True)
    process = subprocess.Popen(
        [bench.program] + command.line(folder), env=environment(folder), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    start = time.monotonic()
    seconds = bench.references[command.name][2]
    if bench.random.random() < 0.5:
        time.sleep(bench.random.uniform(0, seconds))
    else:
        while process.poll() is None and time.monotonic() - start < 3 * seconds + 1 and not command.begun(folder):
            time.sleep(0.0002)
        time.sleep(bench.random.uniform(0, 0.01))
    moment = time.monotonic() - start
    ended = process.poll() is not None
    if not ended:
        process.send_signal(death)
    try:
        output, errors = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        bench.problem(f"{command.name}: goes on for a minute after {death.name} at {moment:.3f} s")
    if ended:
        return None
    bench.kills += 1
    return Run(process.returncode, output, errors, moment)

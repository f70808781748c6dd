"""What all parts of the fault script share: runs, references, judgement."""

import os
import random
import shutil
import subprocess
import time

from commands import LIMIT, Run, commands, environment, leftovers, make_inputs


class Bench:
    def __init__(self, program, work, seed, share=1.0):
        self.program, self.work, self.share = program, work, share
        self.random, self.choice = random.Random(seed), random.Random(f"{seed} share")
        self.faults = self.kills = self.runs = 0
        self.problems = []
        self.of_one_thread = {}
        make_inputs(f"{work}/inputs")
        here = os.path.dirname(os.path.abspath(__file__))
        self.library = f"{work}/inject.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, f"{here}/inject.c", "-ldl"], check=True)
        self.commands = commands()
        self.references = {command.name: self.reference(command) for command in self.commands}

    @property
    def counts(self):
        return f"{self.faults} faults, {self.kills} kills, {self.runs} runs of the program, {len(self.problems)} problems"

    def takes(self):
        """Whether the next fault is among those that are tried."""
        return self.share >= 1 or self.choice.random() < self.share

    def folder(self, command):
        """An empty folder for one attempt."""
        path = f"{self.work}/{command.name}"
        self.clear(path)
        command.prepare(path)
        return path

    @staticmethod
    def clear(path):
        if os.path.isdir(path):
            shutil.rmtree(path)

    def run(self, command, folder, wrap=None, preload=None, timeout=LIMIT, **popen):
        """Runs a command to its end; `wrap` is put before it."""
        self.runs += 1
        if self.runs % 50 == 0:
            print(self.counts, flush=True)
        env = environment(folder, **(preload or {}))
        if preload:
            env["LD_PRELOAD"] = self.library
        start = time.monotonic()
        try:
            done = subprocess.run(
                (wrap or []) + [self.program] + command.line(folder), env=popen.pop("env", env), stdin=subprocess.DEVNULL,
                capture_output=True, timeout=timeout, **popen)
            # Two folders, one output.
            output = done.stdout.replace(os.path.dirname(folder).encode(), b"")
            return Run(done.returncode, output, done.stderr, time.monotonic() - start)
        except subprocess.TimeoutExpired as error:
            return Run(-9, error.stdout or b"", (error.stderr or b"") + f"\nhangs: {timeout} s".encode(), timeout)

    def reference(self, command):
        folder = self.folder(command)
        done = self.run(command, folder)
        if done.code != 0:
            raise SystemExit(f"{command.name}: an undisturbed run ends with {done}")
        state = command.state(folder)
        again = self.run(command, self.folder(command))
        if (again.code, again.output, command.state(folder)) != (done.code, done.output, state):
            raise SystemExit(f"{command.name}: two undisturbed runs give two results; the second ends with {again}")
        return done.output, state, done.seconds

    def problem(self, what, done=None):
        words = f"{what}: {done}" if done else what
        self.problems.append(words)
        print(f"PROBLEM {words}", flush=True)

    def judge_failure(self, what, done, command=None, folder=None, before=None, words=True):
        """A run that something failed: exit code 1 and a sentence, or success where it could be done without."""
        if done.code < 0 or done.code not in (0, 1):
            self.problem(what, done)
        elif done.code == 1 and words and (not done.words.startswith("vocoscope: ") or done.words.count("\n") > 0):
            self.problem(f"{what}: not one sentence", done)
        if command and folder:
            self.judge_files(what, command, folder, before, done.code)
            for left in leftovers(folder):
                self.problem(f"{what}: {os.path.basename(left)} is left")

    def judge_files(self, what, command, folder, before, code=None):
        """Under the final name is what was there before, or all of the new; or a state that is gone on with."""
        state, whole = command.state(folder), self.references[command.name][1]
        if code == 0 and state != whole:
            self.problem(f"{what}: success, and another result than of an undisturbed run")
        if state not in (before, whole) and not command.resumes and not (command.output in ("page", "plots", "cache")):
            self.problem(f"{what}: a file that is neither the old nor the new one")

    def judge_thread(self, what, command, folder, done):
        """A limit of address space leaves one thread, which rounds otherwise than two: the same limit, the same result."""
        state = command.state(folder)
        reference = self.of_one_thread.setdefault(command.name, (done.output, state))
        if reference != (done.output, state):
            self.problem(f"{what}: success, and another result than of another run with one thread")

    def judge_next(self, what, command, folder):
        """The next run gives the result, goes on from where the last came to, and leaves nothing of it."""
        output, state, _ = self.references[command.name]
        if command.refuses and command.state(folder) == state:
            done = self.run(command, folder)
            if done.code != 1 or command.state(folder) != state:
                self.problem(f"{what}: what is whole is written over", done)
            return
        done = self.run(command, folder)
        if done.code != 0 or command.state(folder) != state or done.output != output:
            same = "same files" if command.state(folder) == state else "other files"
            self.problem(f"{what}: the next run, {same}", done)
        for left in leftovers(folder):
            self.problem(f"{what}: {os.path.basename(left)} is left after the next run")

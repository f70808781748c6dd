"""Full disks, closed streams, limits, other users, missing homes, outputs that are no files."""

import os
import resource
import shutil
import subprocess
import threading
import time

from commands import environment, leftovers


def run(bench, options):
    streams(bench)
    limits(bench)
    outputs(bench)
    homes(bench)
    truncated(bench)
    if os.geteuid() == 0:
        small(bench)
        nobody(bench)
    else:
        print("not root: no small file systems, no other user")


def attempt(bench, title, command, judged=True, words=True, again=True, folder=None, **how):
    """One run under a fault, and the next without it."""
    own = folder or bench.folder(command)
    done = bench.run(command, own, **how)
    bench.faults += 1
    if judged:
        bench.judge_failure(f"{command.name}, {title}", done, command, own, words=words)
    if again:
        bench.judge_next(f"{command.name}, {title}", command, own)
    return done


def streams(bench):
    """Standard streams that are closed, full, or read by nobody."""
    for command in bench.commands:
        for redirection in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full"]:
            if not bench.takes():
                continue
            shell = ["bash", "-c", f'exec "$0" "$@" {redirection}']
            done = attempt(bench, redirection, command, words="2>" not in redirection, wrap=shell)
            if redirection.startswith(">/dev/full") and done.code == 0 and bench.references[command.name][0]:
                bench.problem(f"{command.name}, {redirection}: exit code 0, and nothing could be printed")
        if bench.takes():
            gone = '"$0" "$@" | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}'
            attempt(bench, "a reader that goes", command, wrap=["bash", "-c", gone])
        if bench.takes():
            attempt(bench, "errors that nobody reads", command, words=False, wrap=["bash", "-c", 'exec "$0" "$@" 2> >(exit)'])


def limits(bench):
    """Limits of file sizes, descriptors, address space, stack and processor time."""
    kinds = [
        ("file size", resource.RLIMIT_FSIZE, [0, 100, 4096, 20000, 100_000, 250_000]),
        ("descriptors", resource.RLIMIT_NOFILE, [3, 4, 5, 6, 8, 12, 13, 14, 16, 20, 24]),
        ("address space", resource.RLIMIT_AS, [n << 20 for n in (60, 100, 150, 200, 300, 400, 500, 600, 800, 1200)]),
        ("stack", resource.RLIMIT_STACK, [64 << 10, 256 << 10, 1 << 20]),
    ]
    for command in bench.commands:
        for name, limit, values in kinds:
            for value in values:
                if not bench.takes():
                    continue

                def lower():
                    resource.setrlimit(limit, (value, value))

                folder = bench.folder(command)
                done = attempt(bench, f"{name} {value}", command, judged=False, again=False, folder=folder, preexec_fn=lower)
                # What the loader of the system says is not ours to word.
                if done.code < 0 or done.code not in (0, 1, 127):
                    bench.problem(f"{command.name}, {name} {value}", done)
                title = f"{command.name}, {name} {value}"
                if done.code == 0 and limit == resource.RLIMIT_AS:
                    bench.judge_thread(title, command, folder, done)
                    continue
                if done.code == 0:
                    bench.judge_files(title, command, folder, None, 0)
                bench.judge_next(title, command, folder)


def outputs(bench):
    """Outputs that cannot be what they should."""
    for command in bench.commands:
        if command.cache:
            continue
        places = {
            "through a file": "inputs/questions.jsonl/x", "a name of 300": "x" * 300, "a missing folder": "no/such/x",
            "/dev/full": "/dev/full", "a loop of links": "loop", "the empty name": "",
        }
        loop = f"{bench.work}/loop"
        if not os.path.islink(loop):
            os.symlink("loop", loop)
        for title, place in places.items():
            if not bench.takes():
                continue
            own = bench.folder(command)
            path = place if place.startswith("/") or not place else f"{bench.work}/{place}"
            line = [part.replace(f"{own}/{command.output}", path) for part in command.line(own)]
            done = subprocess.run(
                [bench.program] + line, env=environment(own), stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
            bench.faults += 1
            bench.runs += 1
            made = title == "a missing folder" and done.returncode == 0
            if done.returncode not in (1, 2) and not made:
                words = done.stderr.decode(errors="replace")[-200:]
                bench.problem(f"{command.name} to {title}: exit code {done.returncode}: {words!r}")
            bench.clear(f"{bench.work}/no")
            for left in leftovers(bench.work):
                bench.problem(f"{command.name} to {title}: {left} is left")
        if not os.path.exists("/dev/full"):
            bench.problem(f"{command.name}: /dev/full is gone")


def homes(bench):
    """No home, no variables, no folder to stand in."""
    for command in bench.commands:
        own = bench.folder(command)
        for title, env in {
            "no variables": {"SWIFT_BACKTRACE": "enable=no"}, "a home that is missing": {"HOME": "/no/such/home"},
            "a home that is a file": {"HOME": "/etc/passwd", "XDG_CACHE_HOME": "/etc/passwd"},
            "variables without use": {"HOME": "", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "TERM": "", "LANG": "x"},
        }.items():
            if bench.takes():
                attempt(bench, title, command, folder=bench.folder(command), again=not command.cache, env=env)
        if not bench.takes():
            continue
        gone = f"{bench.work}/gone"
        os.makedirs(gone, exist_ok=True)
        attempt(bench, "a folder that is gone", command, wrap=["bash", "-c", f'cd {gone}; rmdir {gone}; exec "$0" "$@"'])


def truncated(bench):
    """Weights that become shorter while they are read."""
    for command in bench.commands:
        if not command.cache and "{inputs}/model" not in command.arguments:
            continue
        weights = f"{bench.work}/inputs/model/model.safetensors"
        with open(weights, "rb") as file:
            whole = file.read()
        for _ in range(6):
            if not bench.takes():
                continue
            folder = bench.folder(command)
            moment = bench.random.uniform(0.0, bench.references[command.name][2])

            def cut():
                time.sleep(moment)
                os.truncate(weights, 4096)

            thread = threading.Thread(target=cut)
            thread.start()
            done = bench.run(command, folder)
            thread.join()
            status = os.stat(weights)
            with open(weights, "r+b") as file:
                file.write(whole)
            os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
            bench.faults += 1
            # The run may have been done; what it says then is right.
            if done.code not in (0, 1):
                bench.problem(f"{command.name}, weights cut at {moment:.3f} s", done)


def small(bench):
    """A file system with less room than the output needs, and one that cannot be written."""
    place = f"{bench.work}/small"
    os.makedirs(place, exist_ok=True)
    for command in bench.commands:
        for size in ["4k", "16k", "64k", "128k", "256k", "512k"]:
            if not bench.takes():
                continue
            if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], stderr=subprocess.DEVNULL).returncode:
                print("nothing can be mounted here: no small file systems")
                return
            own = f"{place}/{command.name}"
            # Inputs stay where there is room.
            os.symlink(f"{bench.work}/inputs", f"{place}/inputs")
            command.prepare(own)
            done = attempt(bench, f"{size} of room", command, folder=own, again=False)
            subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
            bench.judge_next(f"{command.name}, {size} of room, then more", command, own)
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            attempt(bench, "a file system for reading alone", command, judged=False, folder=own, again=False)
            subprocess.run(["umount", place], check=True)


def nobody(bench):
    """A user who may write nowhere, and one who may not read the model."""
    for command in bench.commands:
        if not bench.takes():
            continue
        own = bench.folder(command)
        attempt(bench, "nobody", command, folder=own, again=False, user=65534, group=65534, extra_groups=[])
        bench.judge_next(f"{command.name}, nobody, then root", command, own)
        model = f"{bench.work}/inputs/model/model.safetensors"
        os.chmod(model, 0)
        own = bench.folder(command)
        attempt(bench, "weights of others", command, folder=own, again=False, user=65534, group=65534, extra_groups=[])
        os.chmod(model, 0o644)

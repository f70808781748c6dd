"""One call of the C library fails, in every command, at each of its first calls."""

import errno
import os
import signal

PLANS = {
    "write": [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EINTR, "short"],
    "fsync": [errno.EIO, errno.ENOSPC],
    "close": [errno.EIO],
    "rename": [errno.EXDEV, errno.ENOSPC, errno.EACCES],
    "mkdir": [errno.ENOSPC, errno.EACCES],
    "read": [errno.EIO, errno.EINTR],
    "mmap": [errno.ENOMEM],
    "open": [errno.EMFILE, errno.EACCES, errno.ENOSPC],
}
DEATHS = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
MOST = 6


def run(bench, options):
    for command in bench.commands:
        for call, plans in PLANS.items():
            below = bench.work if call in ("read", "mmap", "open") else f"{bench.work}/{command.name}"
            for what in plans:
                for number in range(1, MOST + 1):
                    if bench.takes() and not inject(bench, command, call, number, what, below):
                        break
        for call in ["write", "fsync", "rename", "open", "close"]:
            for death in DEATHS:
                for place in ["signal", "after"]:
                    for number in range(1, MOST + 1):
                        if bench.takes() and not strike(bench, command, call, number, place, death):
                            break


def prepared(bench, command, call, number, what, below):
    folder = bench.folder(command)
    hit = f"{bench.work}/hit"
    if os.path.exists(hit):
        os.unlink(hit)
    return folder, {"INJECT": f"{call}:{number}:{what}", "INJECT_BELOW": below, "INJECT_HIT": hit}


def inject(bench, command, call, number, what, below):
    """False where the command makes no such call any more."""
    folder, plan = prepared(bench, command, call, number, int(what) if what != "short" else what, below)
    done = bench.run(command, folder, preload=plan)
    if not os.path.exists(plan["INJECT_HIT"]):
        return False
    bench.faults += 1
    name = what if what == "short" else errno.errorcode[what]
    title = f"{command.name}, {call} {number} {name}"
    bench.judge_failure(title, done, command, folder)
    if what in ("short", errno.EINTR) and done.code != 0:
        bench.problem(f"{title}: what may be tried again ends the run", done)
    bench.judge_next(title, command, folder)
    return True


def strike(bench, command, call, number, place, death):
    """A signal at a call."""
    folder, plan = prepared(bench, command, call, number, f"{place}-{int(death)}", f"{bench.work}/{command.name}")
    done = bench.run(command, folder, preload=plan)
    if not os.path.exists(plan["INJECT_HIT"]):
        return False
    bench.kills += 1
    judge_death(bench, f"{command.name}, {death.name} {place} {call} {number}", command, folder, done, death)
    return True


def judge_death(bench, title, command, folder, done, death):
    if done.code not in (0, 130, 128 + int(death), -int(death)):
        bench.problem(title, done)
    bench.judge_files(title, command, folder, None)
    if death != signal.SIGKILL:
        from commands import leftovers

        for left in leftovers(folder):
            bench.problem(f"{title}: {os.path.basename(left)} is left")
    bench.judge_next(title, command, folder)

"""Commands and processes measured: seconds on the clock, seconds of processors."""
import os
import resource
import statistics
import subprocess
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")


class Failed(SystemExit):
    """What cannot be measured, in one line."""

    def __init__(self, text):
        super().__init__(f"tools/bench: {text}")


def median(values):
    """Of at least one; of an even count, the mean of the two in the middle."""
    return statistics.median(values)


def cpu_of(process):
    """Seconds of processor time that a running process, all its threads, has used."""
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class OneProcessor:
    """A server, and whoever is started under `with`, share one processor: none sleeps between a request and its answer, so
    what waking one costs, here and today, is not measured. On a virtual machine that differs from hour to hour."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        self.before = os.sched_getaffinity(0)
        self.set({min(self.before)})

    def __exit__(self, *_):
        self.set(self.before)

    def set(self, processors):
        # What is started from now on inherits it.
        os.sched_setaffinity(0, processors)
        for thread in os.listdir(f"/proc/{self.process}/task"):
            os.sched_setaffinity(int(thread), processors)


class Awake:
    """Under `with` no processor sleeps: each has a thread that runs only while nothing else wants to (SCHED_IDLE), as a
    server with `idle=poll` or a bare machine without deep sleep would have it. A virtual machine's processor that sleeps
    has to be woken by its host, which takes longer than a request."""

    def __enter__(self):
        self.threads = [self.busy(processor) for processor in sorted(os.sched_getaffinity(0))]

    def __exit__(self, *_):
        for thread in self.threads:
            thread.kill()
            thread.wait()

    @staticmethod
    def busy(processor):
        def idle():
            os.sched_setaffinity(0, {processor})
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        return subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=idle)


class Run:
    """One command, run to its end."""

    def __init__(self, command, output=None, server=None, codes=(0,), environment=None, input=None):
        """
        output: a file for its standard output; without it, none is kept.
        server: a process whose time is counted too, because the command talks to it.
        codes: the exit codes that are success.
        """
        before = server and cpu_of(server)
        with open(output or os.devnull, "wb") as out, open(input or os.devnull, "rb") as source:
            start = time.perf_counter()
            child = subprocess.Popen(command, stdin=source, stdout=out, stderr=subprocess.PIPE, env=environment)
            with child.stderr as errors:
                error = errors.read()
            _, status, usage = os.wait4(child.pid, 0)
            self.seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in codes:
            raise Failed(f"{' '.join(command)}: exit code {child.returncode}: {error.decode(errors='replace')[-500:]}")
        self.cpu = usage.ru_utime + usage.ru_stime
        # Bytes.
        self.peak = usage.ru_maxrss * 1024
        self.server_cpu = server and cpu_of(server) - before


class Values:
    """What the rounds have shown: row and figure to a list."""

    def __init__(self):
        self.all = {}

    def add(self, row, **figures):
        for figure, value in figures.items():
            self.all.setdefault((row, figure), []).append(value)

    def clear(self):
        self.all.clear()

    def drop(self, rows):
        for key in [key for key in self.all if key[0] in rows]:
            del self.all[key]

    def rows(self):
        return list(dict.fromkeys(row for row, _ in self.all))

    def figures(self, row):
        return [figure for of, figure in self.all if of == row]

    def median(self, row, figure):
        return median(self.all[row, figure])

    def has(self, row, figure):
        return (row, figure) in self.all


def raise_descriptor_limit():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 16384) if most > 0 else 16384, most))

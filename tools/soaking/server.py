"""The real server in a home of its own, and what the system says of its process."""
import os
import re
import resource
import shutil
import signal
import ssl
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20


class Binaries:
    """Where rouse-server, rouse and make-candidates are."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("rouse-server", "rouse", "make-candidates"):
            if not os.access(self.path(name), os.X_OK):
                raise SystemExit(f"tools/soak: {self.path(name)} is missing; swift build -c release, or give --bin DIR")

    def path(self, name):
        return os.path.join(self.folder, name)

    def candidates(self, file, count, *flags):
        subprocess.run(
            [self.path("make-candidates"), "--benchmark", "--count", str(count), "--output", file, *flags], check=True)
        return file


class Server:
    """limits replaces lines of server.yaml's `limits`; settings its other lines, as text to text; environment is added to ours."""

    def __init__(self, binaries, limits=None, settings=None, descriptors=None, cpus=None, folder=None, environment=None):
        self.binaries = binaries
        self.environment = environment
        self.root = tempfile.mkdtemp(prefix="rouse-soak-")
        self.home = os.path.join(self.root, "home")
        self.descriptors = descriptors
        self.cpus = cpus
        self.process = None
        self.address = None
        init_home(binaries, self.home)
        text = self.configuration
        for key, value in (limits or {}).items():
            text, count = re.subn(rf"(?m)^  (# )?{key}: .*$", f"  {key}: {value}", text)
            if not count:
                text = text.replace("limits:\n", f"limits:\n  {key}: {value}\n")
        for old, new in (settings or {}).items():
            assert old in text, old
            text = text.replace(old, new)
        with open(self.file("server.yaml"), "w") as file:
            file.write(text)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.home, name)

    @property
    def configuration(self):
        with open(self.file("server.yaml")) as file:
            return file.read()

    def start(self):
        port_file = os.path.join(self.root, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        log = open(os.path.join(self.root, "log"), "ab")

        def prepare():
            if self.descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))
            if self.cpus:
                os.sched_setaffinity(0, self.cpus)

        self.process = subprocess.Popen(
            [self.binaries.path("rouse-server"), "run", "--config", self.file("server.yaml"), "--listen", "127.0.0.1:0",
             "--port-file", port_file], stderr=log, stdout=subprocess.DEVNULL, preexec_fn=prepare,
            env={**os.environ, **(self.environment or {})})
        log.close()
        for _ in range(2000):
            if os.path.exists(port_file):
                with open(port_file) as file:
                    host, port = file.read().strip().rsplit(":", 1)
                self.address = (host, int(port))
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise SystemExit("tools/soak: the server did not start:\n" + self.log())

    def log(self):
        with open(os.path.join(self.root, "log"), errors="replace") as file:
            return file.read()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def terminate(self, seconds=30):
        """SIGTERM; the exit code, or None when none comes."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=30):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def client(self, certificate=True):
        """What a client with the home's certificate uses for all its connections."""
        context = ssl.create_default_context(cafile=self.file("tls/ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if certificate:
            context.load_cert_chain(self.file("tls/client.pem"), self.file("tls/client.key"))
        return context

    # What the system says

    def resident(self):
        """Bytes of memory."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * PAGE

    def peak(self):
        """Most bytes of memory since `forget_peak`."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) * 1024

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
            file.write("5")

    def cpu(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def init_home(binaries, folder):
    subprocess.run([binaries.path("rouse-server"), "init", folder], check=True, stdout=subprocess.DEVNULL)


def replace(source, target):
    """As an editor saves: beside it, then renamed."""
    beside = target + ".next"
    shutil.copy2(source, beside)
    os.replace(beside, target)


def write(text, target):
    beside = target + ".next"
    with open(beside, "w") as file:
        file.write(text)
    os.replace(beside, target)

"""What the figures are of: processor, kernel, libraries, compiler, commit."""
import os
import platform
import re
import subprocess


def text_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def describe(root):
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1))
    swift = re.search(r"Swift version (\S+)", text_of("swift", "--version"))
    openssl = text_of("pkg-config", "--modversion", "openssl") or text_of("openssl", "version")
    return {
        "cpu": model.group(1).strip() if model else platform.machine(), "cores": os.cpu_count(),
        "memory_gib": round(memory / (1 << 20)), "kernel": platform.release(), "openssl": openssl,
        "swift": swift.group(1) if swift else "",
        "commit": text_of("git", "-C", root, "rev-parse", "--short=9", "HEAD"),
        "changed": bool(text_of("git", "-C", root, "status", "--porcelain", "--", "Sources", "tools", "Package.swift")),
    }


def line(machine):
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB; Linux {machine['kernel']}; "
            f"OpenSSL {machine['openssl']}; Swift {machine['swift']}")

"""Candidates as they stand in requests."""
import json


def user(number):
    day = 1 + number % 28
    return {
        "user_id": f"u{number:07d}", "registered_at": f"2025-{1 + number % 12:02d}-{day:02d}T08:00:00Z",
        "last_login_at": f"2026-02-{day:02d}T09:30:00Z", "application_started_at": f"2026-02-{day:02d}T10:00:00Z",
        "app_installed": number % 3 > 0, "push_ok": True, "sms_ok": number % 5 > 0, "network": "wifi",
        "device": {"os": "android", "tier": ("low", "mid", "high")[number % 3]},
    }


def text(number):
    return json.dumps(user(number), separators=(",", ":"))


def users(count, start=0):
    return ",".join(text(start + i) for i in range(count))


def request(op, count, start=0, **members):
    """One line with candidates in it."""
    head = json.dumps(dict(op=op, as_of="2026-03-01T02:00:00Z", **members), separators=(",", ":"))
    return f'{head[:-1]},"users":[{users(count, start)}]}}\n'.encode()


def stream_head(op, **members):
    return (json.dumps(dict(op=op, stream=True, as_of="2026-03-01T02:00:00Z", **members), separators=(",", ":"))
            + "\n").encode()


END = b'{"op":"end"}\n'

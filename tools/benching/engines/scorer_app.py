"""A FastAPI service that scores one borrower a request by the same stages, cards and money: what a team would write first.

Less than the model: no strict JSON, contact history, channels beyond the first that may be used, arms, `send_at`; an unknown
field is passed over. `uvicorn scorer_app:app`.
"""
from datetime import datetime, timezone
from math import floor, log2

from fastapi import FastAPI
from pydantic import BaseModel

NOW = datetime(2026, 3, 1, 2, tzinfo=timezone.utc)
STAGES = [
    # name, clock, dormant days, steps' rate after the click, loan, coupon, incremental, points, may be approved
    ("settled", "loan_settled_at", 30, 0.85 * 0.80, 6000, 10, 0.40, 0, False),
    ("granted", "credit_granted_at", 7, 0.85 * 0.50, 5000, 15, 0.60, 0, False),
    ("applying", "application_started_at", 3, 0.85 * 0.60 * 0.35 * 0.50, 5000, 15, 0.80, 6, True),
    ("clicked", "borrow_clicked_at", 3, 0.85 * 0.60 * 0.60 * 0.35 * 0.50, 5000, 15, 0.85, 10, True),
    ("visited", "last_login_at", 3, 0.85 * 0.60 * 0.60 * 0.35 * 0.50, 5000, 15, 0.90, 0, True),
    ("registered", "registered_at", 3, 0.85 * 0.60 * 0.60 * 0.35 * 0.50, 5000, 15, 0.95, -6, True),
]
CHANNELS = [("push", "push_ok", 0.002, 0.60, 0.030, 0.0010), ("sms", "sms_ok", 0.050, 0.95, 0.025, 0.0010),
            ("email", "email_ok", 0.005, 0.80, 0.008, 0.0005), ("call", "call_ok", 0.300, 0.45, 0.120, 0.0040)]
GROUPS = {region: group for group, regions in {
    "A": "CN-11 CN-31 CN-32 CN-33 CN-44", "B": "CN-12 CN-37 CN-42 CN-51 CN-65", "C": "CN-14 CN-15"}.items()
    for region in regions.split()}


class Device(BaseModel):
    os: str | None = None
    tier: str | None = None
    integrity: str | None = None
    os_age_years: float | None = None


class Borrower(BaseModel):
    user_id: str
    registered_at: datetime | None = None
    last_login_at: datetime | None = None
    last_seen_at: datetime | None = None
    borrow_clicked_at: datetime | None = None
    application_started_at: datetime | None = None
    credit_granted_at: datetime | None = None
    loan_settled_at: datetime | None = None
    credit_limit: float | None = None
    other_loans: float | None = None
    external_score: float | None = None
    region: str | None = None
    network: str | None = None
    app_installed: bool | None = None
    push_ok: bool | None = None
    sms_ok: bool | None = None
    email_ok: bool | None = None
    call_ok: bool | None = None
    wealth_in_flight: bool | None = None
    device: Device = Device()


def binned(value, bins, missing):
    if value is not None:
        for bound, points in bins:
            if value >= bound:
                return points
    return missing


def decide(user):
    for name, clock, dormant, rate, loan, coupon, incremental, stage_points, ahead in STAGES:
        if (since := getattr(user, clock)) is not None:
            break
    else:
        return {"user_id": user.user_id, "status": "invalid", "reasons": ["I02"]}
    days = (NOW - since).days
    group = GROUPS.get(user.region, "unknown")
    device = user.device
    risk = (600 + binned(user.other_loans, ((6, -40), (3, -18), (1, 0), (0, 10)), -6)
            + binned(user.external_score, ((650, 18), (550, 0), (450, -15), (0, -40)), -4)
            + {"ok": 2, "rooted": -15, None: -2}.get(device.integrity, 0)
            + binned(device.os_age_years, ((6, -8), (3, 0), (0, 2)), 0)
            + {"high": 6, "mid": 0, "low": -6}.get(device.tier, 0)
            + {"wifi": 2, "cellular": 0, "proxy": -15, None: 0}.get(user.network, -2)
            + {"A": 4, "B": 0, "C": -6}.get(group, -2))
    pd = 1 / (1 + 15 * 2 ** ((risk - 600 + (20 if ahead else 0)) / 20))
    answer = {"user_id": user.user_id, "stage": name, "dormant_days": days, "risk_score": risk, "pd": round(pd, 6)}
    if user.wealth_in_flight or days > 365:
        return answer | {"status": "suppressed", "reasons": ["S03" if user.wealth_in_flight else "S06"]}
    if days < dormant:
        return answer | {"status": "active", "reasons": ["A02"]}
    if risk < 565 or (user.other_loans or 0) >= 10 or device.integrity in ("emulator", "hooked"):
        return answer | {"status": "declined", "reasons": ["R01"]}
    for channel, allowed, cost, reach, click, quit in CHANNELS:
        if getattr(user, allowed) and (channel != "push" or user.app_installed):
            break
    else:
        return answer | {"status": "suppressed", "reasons": ["C01"]}
    seen = max(time for time in (user.registered_at, user.last_login_at, user.last_seen_at, since) if time is not None)
    points = (stage_points + max(-80, -floor(20 * log2(1 + max(0, (NOW - seen).days) / 90) + 0.5))
              + (floor((risk - 600) * 0.5 + 0.5) if ahead else 0) + (6 if user.app_installed else -8)
              + binned(user.credit_limit, ((10000, 8), (3000, 0), (0, -10)), 0)
              + {"ios": -2}.get(device.os, 0) + {"A": -2, "C": 3}.get(group, 0))
    x = reach * click * rate
    odds = x / (1 - x) * 2 ** (points / 20)
    p = odds / (1 + odds)
    amount = user.credit_limit * 0.6 if user.credit_limit and not ahead else loan
    spend = cost + p * coupon
    value = p * incremental * amount * ((1 - pd) * 0.12 - pd * 0.70) - spend - quit * 40
    return answer | {
        "status": "eligible" if value > 0 else "unprofitable", "reasons": [] if value > 0 else ["E01"], "points": points,
        "best": {"channel": channel, "p": round(p, 6), "value": round(value, 6), "spend": round(spend, 6)}}


app = FastAPI()


@app.post("/score")
async def score(user: Borrower):
    return decide(user)

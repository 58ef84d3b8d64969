"""Ask a Rouse server whom to contact now, on which channel, at what time, and why these.

    import rouse

    with rouse.Client(profile="home/client.yaml") as client:
        for decision in client.rank(candidates, budget=100):
            print(decision.user_id, decision.best.channel, decision.best.send_at)
"""

from ._core import NEVER, Retry, may_repeat, timestamp
from ._ops import UNSET
from .aio import AsyncClient, AsyncRecordStream, AsyncScoreStream
from ._lenient import Rate, Sides
from .backtest import Backtest
from .client import Client, RecordStream, ScoreStream
from .comparison import Comparison
from .errors import *  # noqa: F401,F403
from .errors import __all__ as _errors
from .fit import Fit
from .policies import *  # noqa: F401,F403
from .policies import __all__ as _policies
from .replay import Replay
from .results import *  # noqa: F401,F403
from .results import __all__ as _results
from .review import Review
from .rows import PlanResult, RankResult, Rows
from .settings import Profile
from .stats import Stats

__version__ = "0.1.0"

__all__ = [
    "AsyncClient", "AsyncRecordStream", "AsyncScoreStream", "Backtest", "Client", "Comparison", "Fit", "NEVER", "PlanResult",
    "Profile", "RankResult", "Rate", "RecordStream", "Replay", "Retry", "Review", "Rows", "ScoreStream", "Sides", "Stats",
    "UNSET", "may_repeat", "timestamp", *_errors, *_policies, *_results,
]

"""Studies: strategies x tasks x seeds on equal budgets, and what they say."""

from bgpbt.study.carry_out import carry_out, finished, source_hash
from bgpbt.study.cores import check_cores
from bgpbt.study.figure import draw_study
from bgpbt.study.plan import StudyRun, configuration_hash, plan_study
from bgpbt.study.protocol import Contender, Machine, Protocol, Scale, Task, read_protocol
from bgpbt.study.results import Result, RoundResult, RunResult, read_results, write_results
from bgpbt.study.summary import Agreement, Summary, agreement, markdown, summarise
from bgpbt.study.workers import Finished, Stepped, WorkerError, Workers

__all__ = [
    "Agreement",
    "Contender",
    "Finished",
    "Machine",
    "Protocol",
    "Result",
    "RoundResult",
    "RunResult",
    "Scale",
    "Stepped",
    "StudyRun",
    "Summary",
    "Task",
    "WorkerError",
    "Workers",
    "agreement",
    "carry_out",
    "check_cores",
    "configuration_hash",
    "draw_study",
    "finished",
    "markdown",
    "plan_study",
    "read_protocol",
    "read_results",
    "source_hash",
    "summarise",
    "write_results",
]

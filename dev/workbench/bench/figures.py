""" The arithmetic of the benchmark, and its table. """

import math
import statistics
from dataclasses import asdict, dataclass

from ..system import say

CONFIDENCE = 0.99


@dataclass
class Ratio:
    """ The median of pairwise ratios, and the interval that the true median is in. """

    median: float
    low: float
    high: float

    def __str__(self):
        return f'{self.median:.2f} ({self.low:.2f}-{self.high:.2f})'


@dataclass
class Figures:
    """ What was found for one case and one subject. """

    cpu_ms: float
    queries: float | None
    p50_ms: float
    p95_ms: float


@dataclass
class Row:
    """ One line of the table: a subject beside its baseline, in one case. """

    mode: str
    case: str
    title: str
    subject: str
    baseline: str
    figures: Figures
    baseline_figures: Figures
    cpu_ratio: Ratio
    p50_ratio: Ratio
    p95_ratio: float
    target: float | None = None
    target_of: str = 'cpu'

    @property
    def reached(self):
        """ The ratio that the target is about. """
        return self.cpu_ratio.median if self.target_of == 'cpu' else self.p95_ratio

    @property
    def is_met(self):
        """ Whether the target is met; `None` if there is none. """
        return None if self.target is None else self.reached <= self.target

    def as_dict(self):
        """ Return the row as it is written to the file. """
        return {**asdict(self), 'is_met': self.is_met}


def compare(values, baselines):
    """ Return the median of the ratios of pairs, and how sure it is.

    The interval is made of two of the sorted ratios. It assumes nothing about their distribution:
    the true median is outside of it as often as a fair coin falls very unevenly.

    :param list[float] values: The values of the subject, one of each round.
    :param list[float] baselines: The values of the baseline in the same rounds.
    :return: The ratio.
    :rtype: Ratio
    """
    ratios = sorted(value / baseline for value, baseline in zip(values, baselines, strict=True))
    number = len(ratios)
    left_out = 0  # On each side.
    outside = 2 / 2 ** number
    while left_out < (number - 1) // 2:
        outside += 2 * math.comb(number, left_out + 1) / 2 ** number
        if outside > 1 - CONFIDENCE:
            break
        left_out += 1
    return Ratio(statistics.median(ratios), ratios[left_out], ratios[-1 - left_out])


def get_percentile(values, share):
    """ Return the value that a share of the values doesn't exceed. """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarize(samples):
    """ Return the figures of a subject.

    :param list[Sample] samples: What its rounds showed.
    :return: The figures.
    :rtype: Figures
    """
    seconds = [second for sample in samples for second in sample.seconds]
    queries = [sample.queries for sample in samples if sample.queries is not None]
    return Figures(
        cpu_ms=statistics.median(sample.cpu for sample in samples) * 1000,
        queries=statistics.median(queries) if queries else None,
        p50_ms=statistics.median(seconds) * 1000,
        p95_ms=get_percentile(seconds, 0.95) * 1000,
    )


def make_row(mode, case, subject, samples, baseline, baseline_samples):
    """ Return the line of the table for two subjects.

    :param str mode: How the servers run.
    :param Case case: The case.
    :param str subject: The name of the subject.
    :param list[Sample] samples: Its samples, one of each round.
    :param str baseline: The name of the baseline.
    :param list[Sample] baseline_samples: Its samples, of the same rounds.
    :return: The line.
    :rtype: Row
    """
    figures, baseline_figures = summarize(samples), summarize(baseline_samples)
    return Row(
        mode, case.name, case.title, subject, baseline, figures, baseline_figures,
        cpu_ratio=compare(
            [sample.cpu for sample in samples], [sample.cpu for sample in baseline_samples]
        ),
        p50_ratio=compare(*(
            [statistics.median(sample.seconds) for sample in side]
            for side in (samples, baseline_samples)
        )),
        p95_ratio=figures.p95_ms / baseline_figures.p95_ms,
    )


def print_rows(rows):
    """ Print lines of the table, for each mode and pair under a headline. """
    headline = None
    for row in rows:
        if headline != (row.mode, row.subject, row.baseline):
            headline = row.mode, row.subject, row.baseline
            say(f"\n{row.mode}: {row.subject} / {row.baseline} = ratio (99 % interval)")
            say(f"{'':<22}{'CPU ms':>15}{'ratio':>19}{'queries':>15}{'p50 ms':>17}{'ratio':>19}"
                f"{'p95 ms':>18}{'ratio':>7}  target")
        ours, theirs = row.figures, row.baseline_figures
        queries = '-' if ours.queries is None else f'{ours.queries:.4g} / {theirs.queries:.4g}'
        say(f"{row.title:<22}{ours.cpu_ms:>7.2f} / {theirs.cpu_ms:<5.2f}{row.cpu_ratio!s:>19}"
            f"{queries:>15}{ours.p50_ms:>8.1f} / {theirs.p50_ms:<6.1f}{row.p50_ratio!s:>19}"
            f"{ours.p95_ms:>9.1f} / {theirs.p95_ms:<6.1f}{row.p95_ratio:>7.2f}"
            f"  {describe_target(row)}")


def describe_target(row):
    """ Return the target of a line and whether it is met. """
    if row.target is None:
        return ''
    name = {'cpu': 'CPU', 'p95': 'p95'}[row.target_of]
    return f"{name} <= {row.target:g}: {'met' if row.is_met else 'MISSED'}"

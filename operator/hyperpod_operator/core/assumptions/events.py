"""What is believed about ListClusterEvents and DescribeClusterEvent."""

from hyperpod_operator.core.assumptions.model import Assumption

_EITHER = "unit/controllers/test_either_answer.py::test_the_life_of_a_cluster_ends_the_same"

EVENTS = (
    Assumption(
        id="event-details-are-final",
        belief="The details of an event never change.",
        source="INF: an event is a record of one moment and has an id",
        if_false="A condition shows the cause that the event had at first; no decision about AWS depends on it.",
        untested="There is no other answer to act on: only words differ, and only until a newer event.",
    ),
    Assumption(
        id="cause-is-in-event-details",
        belief="The cause of a failure is in FailureMessage of DescribeClusterEvent, in one of four subtrees of "
        "EventMetadata; the description in the list is generic.",
        source="LIVE: awslabs, 2026-06-30; DOC: the descriptions; MODEL: the four subtrees",
        if_false="If the description has the cause, the operator uses the description.",
        tests=(
            "unit/controllers/test_causes.py::test_the_cause_of_a_generic_event_is_in_its_details",
            "unit/core/test_causes.py::test_a_telling_description_goes_before_a_node",
            _EITHER,
        ),
        switches=("event_cause",),
    ),
    Assumption(
        id="faults-make-paired-events",
        belief="One fault makes two Error events within a minute, of the instance and of its group.",
        source="LIVE: recorded for failed launches",
        if_false="A single event is read as such. Two faults within a minute count as one, and the known words win.",
        tests=(
            "unit/core/test_causes.py::test_of_a_pair_the_words_that_are_known_count",
            "unit/core/test_causes.py::test_of_two_faults_the_newer_counts",
            _EITHER,
        ),
        switches=("paired_events",),
    ),
    Assumption(
        id="scaling-makes-warnings",
        belief="Each scaling makes Warn events about nodes that lost orchestration-ready status; these explain "
        "nothing.",
        source="LIVE: recorded for scaling out and in",
        if_false="If such an event is the cause, the condition names the next best explanation, and no Event "
        "repeats it.",
        tests=("unit/core/test_causes.py::test_noise_does_not_hide_a_cause", _EITHER),
        switches=("scaling_noise",),
    ),
    Assumption(
        id="newest-500-events",
        belief="AWS keeps the newest 500 events of a cluster and lists them newest first.",
        source="DOC: SageMaker developer guide, HyperPod events",
        if_false="With more events, an older cause is not found; the operator reads at most 500.",
        tests=("unit/core/test_causes.py::test_events_are_read_back_to_the_last_change",),
    ),
    Assumption(
        id="events-need-continuous",
        belief="Only clusters with continuous provisioning have events; for others the list fails or is empty.",
        source="DOC: SageMaker API reference, ListClusterEvents; INF: which of the two answers",
        if_false="Nothing: events explain and decide nothing about a count that AWS did not change.",
        tests=(_EITHER,),
        switches=("events_without_continuous",),
    ),
    Assumption(
        id="event-may-be-listed-before-it-is-described",
        belief="DescribeClusterEvent may not know an event that ListClusterEvents already shows.",
        source="INF: the two reads lag differently",
        if_false="Nothing: an event that is not found is asked for again in a later pass.",
        tests=(_EITHER,),
        switches=("read_lag",),
    ),
)

"""Short messages, known by all their words: votes, words of which one must stand there, words that may stand beside."""

from agents.offline.words import word_set

SETTINGS = word_set("_metric_ _family_ _nofamily_ _budget_ _seed_ _drop_ _factor_ _max_models_ _device_ _processes_")

WORDS: dict[str, tuple[float, frozenset[str], frozenset[str]]] = {
    "greeting": (
        3,
        word_set("hi hello hey hiya greetings howdy hallo morning evening afternoon"),
        word_set("good there all again millwright to you"),
    ),
    "thanks": (
        3,
        word_set("thanks thank thx cheers ty great perfect cool nice awesome bye goodbye ok okay wow super excellent"),
        word_set(
            "many you very much so a lot that's that is was all for now the your help job work well done good see later"
        ),
    ),
    "go": (
        3,
        word_set("go start proceed continue yes yep yeah sure do run begin y train"),
        word_set(
            "ok okay please ahead it for on then now let's lets that so make sounds good alright fine me with great "
            "right cool and the training"
        ),
    ),
    "refine": (
        3,
        SETTINGS,
        word_set(
            "ok okay and now then but please so what about how try use do it same the repeat using with for only just "
            "on best optimise optimize maximise maximize minimise minimize run go take give set change switch to "
            "metric a of by judge score in not no add also me let's lets more all except model models instead again "
            "rather want i we prefer make different another column columns or too as well this time _top_ _target_ "
            "hmm can could you i'd like care that let us if possible one once train quick quickly"
        ),
    ),
}

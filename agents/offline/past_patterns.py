"""The words by which questions about this conversation are known: scores, the target, what was said, settings.

Rows read as in patterns. They count always: who asks what was done wants no work to be done.
"""

# ruff: noqa: E501

import re

LEAD = r"^\W*(?:(?:and|so|but|ok|okay|well|hey|hm+|sorry|please|also|then|again|wait|tell me|remind me|do you (?:know|remember)|can you (?:tell|remind) me|of)\W+)*"

PAST: dict[str, tuple[tuple[float, str], ...]] = {
    "past_score": (
        (
            6.5,
            LEAD
            + r"(?:what|which|how)\b.*\b(?:scores?|results?|figures?|interval|good|bad|well|accurate|do|did|get|reach|perform|_metric_)\b.*_ordinal_",
        ),
        (
            6.5,
            LEAD
            + r"(?:what|how)\b.*_ordinal_ (?:\w+ )?(?:scores?|do|did|get|got|perform\w*|reach\w*|have|has|had|good|_metric_)\b",
        ),
        (
            7,
            LEAD
            + r"(?:what|which|how)\b.*\b(?:scores?|results?|good|bad|well|accurate|do|get|_metric_)\b.*\b(?:models?|one|training|run|version)\b(?:.*_drop_|(?: \w+)? (?:with|by) _metric_)",
        ),
        (
            7,
            LEAD
            + r"(?:what|which|how)\b.*\b(?:scores?|results?|good|bad|well|accurate|do|get|_metric_)\b.*\b(?:(?:previous|earlier|prior) (?:one|model|training|run|version)|(?:one|model|training|run) before)\b",
        ),
        (
            7,
            LEAD
            + r"(?:what|how)\b.*\b(?:previous|earlier|prior) (?:one|model|training|run|version) (?:score|do|get|perform|reach|have)",
        ),
        (
            7,
            LEAD
            + r"(?:what|which|how)\b.*\b(?:scores?|results?|good|well|do|get|_metric_)\b.*\b(?:first|second|third|1st|2nd|3rd|last|previous) (?:time|training|run|try|attempt)\b",
        ),
        (
            7,
            LEAD
            + r"(?:what|how)\b.*\b(?:first|second|third|1st|2nd|3rd) (?:training|run|try|attempt) (?:score|do|get|perform|reach)",
        ),
        (
            7,
            LEAD
            + r"(?:what|which|how)\b.*\b(?:scores?|results?|figures?|good|well|accurate|_metric_)\b.*\b(?:at|in|from) the (?:very )?(?:beginning|start|outset)\b",
        ),
        (7, LEAD + r"which (?:model|one)\b.*\b(?:did|was)\b.*\b(?:train|made|make|build|built)\w*\b.*_ordinal_"),
        (
            6,
            r"^\W*(?:(?:and|what about|how about|what of)\W+)+(?:the )?(?:(?:one|model|training|run) before(?: (?:that|it|this))?|previous (?:one|model|training|run))\W*$",
        ),
        (6, r"^\W*(?:the )?(?:one|model) before(?: (?:that|it|this))\W*$"),
    ),
    "past_target": (
        (
            8,
            LEAD
            + r"(?:what|which)(?: column| variable| field)?(?:'s| is| was| were| are)\b(?: \w+){0,2}? (?:target|label|target column|label column)(?: (?:variable|column|again|now|here|then|for it|of (?:it|this|that|the (?:model|data|table|training)|_ordinal_)))*\W*$",
        ),
        (8, LEAD + r"(?:what|which) target(?: column)? (?:did|do|have|had|are|were|was|is)\b"),
        (8, LEAD + r"which (?:column|variable|field) (?:did|do|have|had) (?:i|we|you)\b.*\b(?:target|label)\b"),
        (
            8,
            LEAD
            + r"(?:what|which (?:column|variable|field|target))(?:'re| are| were| did| do| was) (?:we|you|i)(?: \w+){0,2}? (?:to )?(?:predict(?:ing|ed)?|forecast\w*|modell?ing)(?: (?:again|here|now|last|so far|then|first|_ordinal_))*\W*$",
        ),
    ),
    "past_said": (
        (
            8.5,
            r"\bwhat (?:did|have|had) i (?:\w+ ){0,2}?(?:say|said|tell|told|mention\w*|ask\w*|want\w*|write|wrote|written|type\w*|request\w*|complain\w*)\b",
        ),
        (
            8.5,
            LEAD
            + r"(?:did|have|had) i (?:\w+ ){0,2}?(?:sa(?:y|id)|t(?:ell|old)|mention|ask|want|request|wr(?:i|o)te?)",
        ),
        (
            8.5,
            r"\b(?:first|last|previous|_ordinal_) (?:thing|message|question|request|sentence|words?)(?: that)? i\b|\bmy (?:very )?(?:first|last|previous) (?:message|question|request|sentence|words)\b",
        ),
        (8.5, LEAD + r"what (?:was|were) my (?:wish(?:es)?|words|requests?|instructions?|questions?)\b"),
    ),
    "past_settings": (
        (
            7.5,
            LEAD
            + r"(?:what|which|how (?:long|large|big|much|high))\b.*\b(?:was|were)\b (?:\w+ ){0,3}?(?:budget|time limit|limit|seed|settings?|metric|measure)\b",
        ),
        (
            7.5,
            LEAD
            + r"(?:(?:what|which) (?:time )?(?:budget|time|time limit|metric|measure|seed|settings?)|how (?:much time|many (?:seconds|minutes)))\b(?: \w+){0,2}? (?:did|have|had|was|were)\b",
        ),
        (
            7.5,
            LEAD
            + r"(?:which|what) (?:columns?|features?|fields?)\b.*\b(?:did|have|had|were|was)\b.*(?:\bleave out|\bleft out|\bdrop|\bexclud|\bremov|\bignor|\bskip|\bwithout|_drop_)",
        ),
        (
            7,
            LEAD
            + r"(?:did|have|had) (?:we|you|i)(?: really| actually| also| ever| already| even)? (?:use|train|include|drop|leave|left|exclude|ignore|skip|remove|optimi[sz]e|choose|chose|set|give|_drop_)",
        ),
        (7.5, LEAD + r"what did (?:we|you) (?:leave out|drop|exclude|ignore|skip|remove)\b"),
        (
            7.5,
            LEAD
            + r"(?:which|what) (?:columns?|features?|fields?)\b.*\b(?:did|was|were|had)\b.*(?:\b(?:use|see|given|get|trained)\b|_ordinal_)",
        ),
        (7.5, LEAD + r"how long (?:did|was)\b.*\b(?:take|took|training|train|run)\b"),
    ),
}

ASKS_BACK = re.compile(
    LEAD
    + r"(?:(?:what|which|when|where|who|how)\b.*?\b(?:(?:did|had|have) (?:i|we|you)|(?:was|were) (?:my|our|your))\b"
    r"|(?:did|had|was|were) (?:i|we|you|my|our|your)\b)",
    re.IGNORECASE,
)
"""A question about what was: it starts no work, whatever words of requests it holds."""

"""The words by which talk about the work itself is known: why, how sure, which data, what so far, undo, the other file.

Rows read as in patterns. TALKING counts always; what is said right after a table of variants is about the variants.
"""

# ruff: noqa: E501

TALKING: dict[str, tuple[tuple[float, str], ...]] = {
    "why_choice": (
        (9, r"\b(?:why|how come)\b(?: not|n't)? ?(?:an? |the |any )*(?:_family_|_nofamily_|_metric_)"),
        (9, r"\bwhy (?:not|no)\b.*(?:_family_|_nofamily_|_metric_|\bmodels?\b|\bnet\b|\bdeep\b|\bsomething else\b)"),
        (
            9,
            r"\b(?:why|how come|for what reason)\b(?: \w+(?:n't)?){0,2}? you(?: not| just)? (?:choose|chose|pick|select|use|take|took|try|prefer|decide|go with|go for|went|judge|measure|score|optimi[sz]e|settle)",
        ),
        (
            9,
            r"\bwhy (?:is|was|are|were) (?:it |this |that |the )*(?:_family_|_metric_|model|one|candidate|algorithm|method|metric|winner)\b.*\b(?:chosen|picked|selected|used|best|winner|taken|and not|rather)\b",
        ),
        (9, r"\b(?:why|how come)(?: is| was| did)? it(?:'s| is| was)? (?:an? |the )?_family_"),
        (
            9,
            r"\bwhy (?:this|that|exactly this|such an?|the) (?:model|metric|algorithm|candidate|method|one|choice|measure|score)\b",
        ),
        (9, r"\bwhy (?:did|has|does) (?:it|this one|that one|the model|_family_|this model|that) (?:win|won|come out)"),
        (
            9,
            r"\b(?:what(?:'s| is| was)? wrong with|(?:what|anything) (?:speaks|spoke) against|what about trying)\b.*_family_",
        ),
        (8, r"\b(?:could|would|might)(?:n't| not)\b.*_family_\b.*\b(?:better|work|good|win|best)\b"),
        (9, r"\bhow (?:did|do) you (?:decide|choose|pick|select|come to|arrive)\b"),
        (
            9,
            r"\breasons? (?:for|behind|to) (?:choos\w+|pick\w+|us(?:e|ing)|tak(?:e|ing)|select\w+|(?:this|that|the|your) (?:choice|model|metric|algorithm|decision))",
        ),
        (9, r"\bwhat made (?:this|that|the) (?:one|candidate|model|_family_|choice)\b"),
    ),
    "judge": (
        (
            8,
            r"\b(?:is|was|are) (?:that|this|it|the (?:score|result|model|number|_metric_)|these|those|_metric_|\d[\d.,]*%?|an? \w* ?_metric_)(?: of \d[\d.]*| result| score| number)?(?: really| actually| even| any| considered| a| still| all)* (?:good|ok(?:ay)?|fine|decent|bad|poor|acceptable|enough|reasonable|great|strong|weak|solid|reliable|usable|useful|trustworthy|significant)\b(?!.*(?:_source_|_dataset_))",
        ),
        (
            8,
            r"\bhow (?:sure|certain|confident|reliable|trustworthy|solid|robust|safe|accurate) (?:are you|am i|is (?:that|this|the (?:score|result|number|figure|estimate))|can (?:i|we|you) be)\b",
        ),
        (
            8,
            r"\b(?:can|could|should|may|do) (?:i|we|one|you) (?:really |safely |just )?(?:trust|rely|count|depend|bank|believe)\b",
        ),
        (8, r"\b(?:are|am) (?:you|i|we) (?:really |quite |so |pretty )?(?:sure|certain|confident)\b"),
        (8, r"\b(?:by chance|(?:just|pure|be|only|mere) (?:luck|chance|coincidence))\b(?!.*<data>)"),
        (
            8,
            r"\bbetter than (?:just |pure |mere )?(?:guess\w*|chance|random|nothing|the baseline|baseline|a coin|the dummy|dummy)\b",
        ),
        (8, r"\bover-?fit\w*"),
    ),
    "which_data": (
        (
            8,
            r"\b(?:which|what) (?:(?:data ?)?file|data(?: ?set)?|table|source)s?\b.*\b(?:using|used|use now|working with|work(?:ing)? on|based on|trained (?:on|with|from)|train(?:ed)? on|train it on|looking at|talking about|we on|you on|we're on|(?:learn|made|built) (?:this |it )?from)\b",
        ),
        (8, r"\b(?:on|from|with|of|based on) (?:which|what) (?:file|data(?: ?set)?|table|source)\b"),
        (8, r"\b(?:current|active|present) (?:data(?: ?set)?|file|table|target)\b"),
    ),
    "so_far": (
        (
            8,
            r"\bwhat (?:have|did|has) (?:you|we|i) (?:already |actually |all |just )*(?:do|done|get done|accomplish\w*)\b",
        ),
        (
            8,
            r"\b(?:what|which)(?: steps| things| work)?(?:'s| has| have| was| were| is)? (?:been |already )*(?:done|happened|taken)(?: so far| until now| up to now| already)?\W*$",
        ),
        (
            8,
            r"\b(?:recap|summary|summari[sz]e|sum up|history|overview|protocol|log)\b.*\b(?:session|so far|until now|conversation|chat|till now|up to (?:now|here)|happened|(?:we|you) (?:did|have done)|everything(?: we| you| until| so)|our work|steps)\b",
        ),
        (8, r"^\W*(?:a |quick |short |please |can you |give me an? |one )*(?:recap|sum up)\b"),
        (8, r"\bwhere (?:were we|did we (?:stop|leave off|end))\b"),
    ),
    "undo": (
        (8, r"\bundo\b(?!.*\b(?:promotion|promoting|deployment|release)\b)"),
        (
            8,
            r"^\W*(?:please |ok |no |oops |can you |can we |let's |sorry |now |i want to |and )*(?:go|step|move|jump) back(?: (?:one|a|1|two|2) (?:steps?|turns?|messages?))?(?: please)?\W*$",
        ),
        (
            8.5,
            r"\b(?:revert|cancel|reverse|take back|roll back)\b.*\b(?:last (?:step|thing|message|turn|change|request|command)|what (?:you|i|we) (?:just )?(?:did|said))\b",
        ),
        (8, r"\btake (?:that|this|it) back\b"),
        (
            8,
            r"\b(?:return|go|get|back) (?:back )?to (?:how (?:it|things|that) (?:was|were)|(?:the|an) earlier (?:state|turn|point)|before (?:that|this))\b",
        ),
    ),
    "other_data": (
        (8, r"\b(?:other|another|different) (?:file|data|data ?set|table|one)\W+_source_"),
        (
            8.5,
            r"\b(?:other|another|different|previous|wrong|earlier|first|old|second) (?:file|data ?set|table|data|csv|sheet|source)\b(?!.*(?:_source_|_dataset_))(?=(?:.*\b(?:please|instead|not|no|meant|mean|was|one)\b)?\W*(?:\w+\W*){0,3}$)(?<!compare)",
        ),
        (
            8.5,
            r"^\W*(?:no|not|nope|wrong|sorry)\b.*\b(?:file|data ?set|table|data|csv|sheet|_ordinal_)\W*(?:one|please|instead)?\W*$(?<!_source_)",
        ),
        (8.5, r"\bfile from (?:before|earlier|the beginning)\b"),
    ),
}

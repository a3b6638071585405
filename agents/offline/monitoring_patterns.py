"""The words by which requests about drift and monitors are known (see patterns for how a row reads).

MONITORING counts always; MONITORED only where a monitor or a comparison was spoken of before; AFTERWARDS only right
after a request of this kind, where 'why?' is about the drift and no longer about the model; AFTER_RETRAINING right after
a challenger was trained.
"""

# ruff: noqa: E501

FRAGMENTS = {
    "<lead>": r"^\W*(?:(?:ok(?:ay)?|and|now|please|then|so|yes|great|good|well|also|can|could|would|will|you|i|we|want|wanna|need|to|would|i'd|we'd|like|let's|let|us|me|should|must|just|from|now|on|next|start|begin|go|ahead|keep)\W+)*",
    "<drift>": r"\bdrift(?:s|ed|ing)?\b(?!\s+(?:away|off|apart|out|toward\w*|to (?:an?|the|another|other|our)\b))",
    "<watched>": r"(?:it|this|that|them|_model_|_monitor_|(?:(?:the|my|our|this|that|last|latest|current|new|newest|deployed|best|running|[\w-]+)\s+){0,3}?(?:models?|_alias_|_monitor_)|[\w.]+-[\w.-]+)(?!\w)",
    "<current>": r"(?:(?:the|this|these|those|my|our|any|of|new|newest|live|incoming|input|recent|latest|current|today's|_alias_|logged|customer)\s+)*(?:data|inputs?|features?|columns?|distributions?|rows|population|traffic|_source_|_dataset_)(?!\w)",
    "<labels>": r"(?:(?:the|these|those|true|actual|real|new|some|more|our|my|known|late|delayed|missing|fresh|first|last|week's|month's|yesterday's|correct|right|observed)\s+)*(?:labels|labell?ed (?:rows|data)|ground[- ]truths?|truth|outcomes|actuals|true values|actual values)(?!\w)",
    "<level>": r"(?:red|orange|yellow|green)(?!\s+\w+\s+(?:sold|sell|cost|are|do))",
    "<plot>": r"\b(?:plot|chart|graph|draw|visuali[sz]e|diagram|curve|picture of|histogram)s?\b",
    "<then>": r"\b(?:then (?:and|versus|vs\.?|against) now|now (?:and|versus|vs\.?|against) then|before and (?:after|now)|over time|by window|per window|window by window|through time)\b",
}

MONITORING: dict[str, tuple[tuple[float, str], ...]] = {
    "check_drift": (
        (4, r"<drift>"),
        (6, r"\b(?:has|have|had|did|is|are|was|were|does|do)\b.*<drift>"),
        (
            6,
            r"\b(?:check|test|look|search|scan|detect|measure|compute|analy[sz]e|examine|inspect|find|any|no|much|there|for|of|about|run)\b.*<drift>",
        ),
        (7, r"\bcompar\w+\b(?!.*\bmodels\b).*(?:_source_|_dataset_).*(?:\b(?:with|to|against|and|vs|versus)\b|_out_)"),
        (
            7,
            r"\bcompar\w+\b(?!.*\bmodels\b).*\b(?:training|trained|reference|original|live|incoming|logged)\b.*(?:_source_|_dataset_)",
        ),
        (7, r"\bcompar\w+\b.*<current>.*\b(?:training|trained|reference|original)\b"),
        (
            7,
            r"\b(?:is|are|does|do|did|has|have|how|whether|if|could|can|might|may|would)\b.*(?:_source_|_dataset_).*\b(?:differ\w*|deviat\w+|chang\w+|shift\w*|moved|similar|same|looks? (?:still )?like|still like|like (?:the|our|my))\b",
        ),
        (
            7,
            r"\b(?:is|are|does|do|did|has|have|how|whether|if|could|can|might|may|would)\b(?:\s+\w+){0,3}?\s+<current>.*\b(?:differ\w*|deviat\w+|chang\w+|shift\w*|moved|match\w*|resembl\w*|same as|similar to|still like|still the same)\b",
        ),
        (7, r"_source_.*\b(?:away|far|distant|off) from\b"),
        (7, r"\b(?:has|have|did)\b.*\b(?:changed?|shift(?:ed)?|moved)\b.*_source_"),
        (7, r"\b(?:differ\w*|chang\w+|shift\w*|compar\w+)\b.*\bbetween\b.*(?:_source_|_dataset_)"),
        (5, r"<lead>(?:re-?)?check\s+[\w.]+-[\w.-]+(?:\s+(?:again|now|please))*\W*$"),
        (7, r"_source_\W+(?:\w+\W+){0,3}?(?:shifted|changed|moved|differs?|deviates?)\b"),
        (
            6,
            r"\b(?:is|are) (?:the |our |my )*(?:_alias_|live|incoming|new) (?:data|inputs?|rows)\b.*\b(?:ok(?:ay)?|fine|good|normal|all ?right|healthy)\b",
        ),
        (7, r"\b_source_ .*\b(?:differ\w*|deviat\w+|look\w* different)\b.*\b(?:train\w*|reference|model|before)\b"),
        (6, r"\b(?:distribution|data(?:set)?|covariate|concept|population|label|target|prior)(?:al)?[- ]shifts?\b"),
        (
            6,
            r"<lead>(?:re-?)?check\s+(?:the |my |our |all |of )*(?:monitors?|_monitor_|incoming|logged|live|newest|latest|recent|_alias_)\b",
        ),
        (6, r"\b(?:check|test|hold|verify|validate)\b.*_source_.*\b(?:against|up to)\b"),
        (
            6,
            r"\b(?:is|are|would)\b.*_source_.*\b(?:ok(?:ay)?|fine|good|usable|suitable|valid|right)\b.*\b(?:for|with)\b",
        ),
        (6, r"\brun (?:the |a |my |all )*(?:monitors?|_monitor_|drift checks?|checks?)(?!\w)"),
    ),
    "watch": (
        (7, r"\bsurveillance\b"),
        (
            7,
            r"<lead>(?:watch|monitor|observ|supervis|survey|track|follow)(?:e|ing)?\s+(?:over\s+)?(?:how\s+)?<watched>",
        ),
        (
            7,
            r"<lead>(?:watch|monitor|track|observe)\s+(?:for |the |its |any |all |model )*(?:drift|performance|predictions?|_metric_|quality|data|inputs?|_alias_)(?!\w)(?!.*_source_)",
        ),
        (7, r"\b(?:keep|have|put) (?:an |a close |a )?(?:eyes?|watch|tabs) (?:on|over)\b"),
        (7, r"\bunder (?:close )?(?:monitoring|observation|surveillance|supervision|watch)\b"),
        (
            7,
            r"\b(?:be|get) (?:warned|told|alerted|notified|informed|paged)\b.*\b(?:when|if|whenever|as soon as|once|should)\b",
        ),
        (7, r"<lead>(?:watch|monitor)\s+(?:the |my |our )*(?:file |dataset )?(?:_source_|_dataset_)"),
        (
            8,
            r"\b(?:send|give|raise|write)\b(?:\s+(?:me|us))?\s+(?:an? )?(?:alert|alarm|warning|e-?mail|message|notification)\b.*\b(?:when|if|whenever|as soon as|once|should)\b",
        ),
        (
            7,
            r"\bcheck\b.*\b(?:hourly|daily|weekly|nightly|(?:every|each|once an?|twice an?) (?:other |few |single )?(?:minute|hour|day|night|morning|evening|week|month|\w+day|\d+|_budget_))",
        ),
        (7, r"\bkeep track of <watched>"),
        (
            7,
            r"\b(?:start|begin|set ?up|create|add|make|enable|turn on|switch on|activate|put|attach|install|configure|want|need)\b(?:\s+(?:me|us|up|a|an|the|some|new|hourly|daily|weekly|drift|model|proper))*\s+monitor(?:ing)?(?!\w)",
        ),
        (
            8,
            r"\b(?:tell|let)\b(?:\s+(?:me|us|somebody|everyone|know))+\s+(?:when|whenever|as soon as|once|should|if (?!.*\b(?:has|have|is|are|was|were|did|there)\b))",
        ),
        (
            8,
            r"\b(?:alert|warn|notify|page|inform|ping|e-?mail|message)\b(?:\s+(?:me|us|somebody|everyone))+\s+(?:when|if|whenever|as soon as|once|should)\b",
        ),
        (7, r"\b(?:want|like|need|wish|have|get)\b.*<watched>.*\b(?:monitored|watched|observed|supervised)\b"),
        (4, r"<lead>(?:monitor|watch)\W*$"),
    ),
    "monitor_status": (
        (5.5, r"\bmonitors\b"),
        (6, r"\b(?:status|state) of (?:the |our )?monitoring\b"),
        (6, r"\bmonitor(?:ing)? (?:status|state|health|overview|list)\b"),
        (6, r"\bhealth\b.*(?:\bmodels?\b|_model_|_alias_|\bmonitors?(?!\w))"),
        (6, r"\b(?:about|with|of) (?:the |these |those |last |all )*(?:alerts?|alarms?)\b"),
        (6, r"\bhow(?:'s| is| has) [\w.]+-[\w.-]+ (?:do\w*|perform\w*|hold\w*|behav\w*|far\w+|been)\b"),
        (
            6,
            r"\bwhat(?:'s| is) (?:up|new|going on) (?:with|in|on)\b.*(?:\bmodels?\b|_model_|_alias_|\bmonitors?(?!\w))",
        ),
        (7, r"^\W*(?:is|are) (?:\w+ )?(?:watching|monitoring)\b"),
        (6, r"\bare we (?:still )?(?:good|ok(?:ay)?|fine|safe|all ?right|healthy|<level>)\b"),
        (6, r"\b(?:any|some)thing (?:unusual|strange|odd|new|wrong|suspicious|noteworthy|bad)\b(?!.*<data>)"),
        (6, r"\b(?:any|open|current|recent|new) (?:incidents?|warnings?)\b"),
        (6, r"\bchecked (?:next|last)\b|\b(?:next|last) checked\b"),
        (6.5, r"\b(?:status|state|health|condition|list|show|overview)\b.*(?:\bmonitors?|_monitor_)(?!\w)"),
        (6.5, r"\bhow (?:is|are|does|do|did)\b.*(?:\bmonitors?|_monitor_)(?!\w)"),
        (6, r"\b(?:status|state|health|condition)\b.*_alias_"),
        (
            7,
            r"\bhow(?:'s| is| are| does| do| has| well)\b.*\b(?:do(?:ing|es)?|perform\w*|hold\w* up|behav\w*|far(?:e|ing)|working|going|been|run\w*)\b.*\b(?:_alias_|in the (?:wild|field)|out there|these days|lately)",
        ),
        (
            7,
            r"\bhow (?:is|are|does|do|'s) (?:the |our |my )?_alias_ (?:do\w*|perform\w*|hold\w*|behav\w*|far\w+|working|look\w*)\b",
        ),
        (
            6,
            r"\bis (?:everything|all|anything) (?:still )?(?:all ?right|ok(?:ay)?|fine|good|well|in order|<level>|healthy|normal|wrong|broken|off)\b",
        ),
        (
            6,
            r"\b(?:is|are) (?:the |our |my )*(?:_alias_|monitors?|models?|_model_) (?:still )?(?:all ?right|ok(?:ay)?|fine|healthy|well|in (?:good shape|order)|<level>|stable|alive)\b",
        ),
        (
            6,
            r"\b(?:any|open|new|are there|show|list|current|recent|latest|all|see|(?:do|did) (?:we|i|you) (?:have|get))\b.*\b(?:alerts?|alarms?)\b|\b(?:what|which)(?: is| are| were| the| open| new| current)* (?:alerts?|alarms?)\b",
        ),
        (6, r"^\W*(?:alerts?|alarms?|monitors?)\W*$"),
        (
            6,
            r"\bwho (?:was|were|has been|got|is) (?:told|alerted|notified|informed|paged|warned|the (?:alerts?|alarms?|warnings?|messages?))\b",
        ),
        (7, r"\b(?:is|are)\b.*\b(?:being |already )*(?:monitored|watched)\b"),
        (
            7,
            r"\b(?:what|which)\b.*\b(?:am i|are we|are you|do (?:i|we|you)) (?:currently )?(?:monitor|watch)(?:ing)?\b",
        ),
        (7, r"\b(?:when|what)\b.*\b(?:next|last) check\b"),
        (
            6,
            r"^(?!.*\bwhy\b).*(?:\bmodel|_model_|_alias_|\bperformance|_metric_)(?!\w).*\b(?:degrad\w*|deteriorat\w*|getting worse|got(?:ten)? worse|going down|decay\w*|go(?:ne|es|ing)? down|went down)\b",
        ),
        (5, r"^\W*_monitor_\W*$|^\W*_alert_\W*$"),
    ),
    "drift_report": (
        (8, r"\b(?:drift|monitor(?:ing)?)[ -]reports?\b"),
        (8, r"\breport\b.*(?:<drift>|\bmonitor(?!\w)|_monitor_)"),
        (8, r"<plot>(?!.*\b(?:importances?|leaderboard|roc|confusion)\b)"),
        (8, r"\b(?:show|see|display|how did|how has|how have|give me)\b.*<then>"),
    ),
    "advise": (
        (
            9,
            r"\b(?:should|must|shall|do|does|need) (?:we|i|you|it|the model|somebody)\b.*\b(?:re-?train\w*|roll(?:ed)? ?back)\b",
        ),
        (
            9,
            r"\b(?:is it|is this|is now) (?:\w+ ){0,3}time (?:to|for)\b.*\b(?:re-?train\w*|roll|(?:new|another|better) (?:model|one))",
        ),
        (
            9,
            r"\b(?:is|was) (?:a |the )?(?:re-?training|roll ?back) (?:needed|necessary|due|required|advised|called for)\b",
        ),
        (8, r"\bwhy (?:is|are|was|were|did|has|have|does|this|the)\b.*(?:\b<level>\b|<drift>|\balert\w*|\balarm\w*)"),
        (
            8,
            r"\b(?:what|which) (?:has |have |had |did )?(?:columns? |features? |inputs? |variables? |fields? )?(?:has |have |had |are |did )?(?:actually |exactly )?<drift>",
        ),
        (9, r"^\W*(?:do (?:we|i|you) )?need (?:a |to )?(?:re-?train\w*|roll ?back)\W*$"),
        (8, r"\bwhy (?:this |the |that |an? )?(?:alerts?|alarms?|warnings?)\b"),
        (7, r"\b(?:what )?does (?:the|our|its) policy (?:say|ask|want|tell|demand|require|suggest)"),
        (7, r"\bsince when\b"),
        (5, r"^\W*(?:and |so |now )*what (?:should|shall|must) (?:i|we) do(?: now| next| about it)?\W*$"),
        (7, r"\b(?:explain|reasons? (?:for|of|behind)|causes? of|what caused)\b.*(?:<drift>|\balert\b|\balarm\b)"),
    ),
    "retrain_model": (
        (5.5, r"\bre-?train(?:ing|ed)?\b"),
        (
            6.5,
            r"\b(?:train|build|make|fit|try|get|create)\b(?:\s+(?:me|us))?\s+(?:a|an|another|one)(?:\s+(?:new|fresh|more))*\s+_alias_",
        ),
        (6, r"<lead>(?:refresh|renew|update)\s+<watched>"),
    ),
    "acknowledge": (
        (8, r"\backnowledg\w*|\back\b"),
        (8, r"_alert_(?=.*\w)|\w.*_alert_"),
        (
            7,
            r"<lead>(?:silence|mute|snooze|quiet(?:en)?|be quiet|hush|pause)\b(?=.*(?:\bit\b|\bthat\b|\bthis\b|\bthem\b|\balerts?\b|\balarms?\b|_alert_|_monitor_|\bmonitors?\b|\bfor\b|_budget_))",
        ),
        (
            8,
            r"\b(?:confirm|accept|close|dismiss|own|take(?: over| on)?)(?:\s+(?:the|this|that|these|last|latest|open|red))*\s+(?:alerts?|alarms?)\b",
        ),
        (8, r"\b(?:alerts?|alarms?)\b.*\b(?:seen|noted|taken care|looked (?:into|after|at)|handled|being)\b"),
        (
            8,
            r"\b(?:look(?:ing)? (?:into|after)|tak(?:e|ing) care of|handl(?:e|ing)|deal(?:ing)? with|investigat(?:e|ing)|work(?:ing)? on|tak(?:e|ing) over)\b.*\b(?:alerts?|alarms?)\b",
        ),
        (8, r"\b(?:stop|no more|quit)\b.*\b(?:alert(?:s|ing)?|alarms?|paging|notif\w+|bothering|pinging|e-?mailing)\b"),
    ),
    "log_labels": (
        (8, r"\b(?:here (?:are|is|come|comes)|these are|i have|we have|i've got|we've got|i got|we got)\b.*<labels>"),
        (8, r"\b(?:feed|give|send|pass|log)\b.*_source_.*(?:\bmonitor(?!\w)|_monitor_)"),
        (
            8,
            r"<labels>[,;]?(?:\s+\w+){0,3}?\s+(?:are|is|lie|lies|live|can be found|came|come|comes|have|has|arrived)\b.*(?:_source_|_dataset_|_rows_|\bin\b|\barrived\b|\bcome\b|\bhere\b)",
        ),
        (
            8,
            r"\b(?:log|record|register|add|feed|send|report|join|attach|upload|import|load|ingest|take|read|store|enter|submit|tell|give)\b(?:\s+(?:in|it|you|the monitor|_monitor_|up|down|me))*\s+<labels>",
        ),
        (8, r"\b(?:we|i) (?:now |finally )?know the (?:right |true )?answers\b"),
        (8, r"<labels>\s*(?:[:=]|-+|from|in|are in)\s*_source_"),
        (6, r"\b(?:row|id|case|prediction)\s+(?=\S*\d)[\w-]+ (?:turned out|(?:was|is) (?:really|actually|in fact))"),
        (8, r"\b(?:label|outcome|truth|answer) (?:of|for) (?:the )?(?:row|id|prediction|case)\b"),
    ),
    "roll_back": (
        (8, r"\broll(?:ed|ing)?[ -]?back\b|\brevert\b"),
        (
            8,
            r"\b(?:go|switch|return|change|get|fall|put|take|move|bring)\b(?:\s+(?:it|us|things|me))?\s+(?:back|return)?\s*(?:to\s+)?(?:(?:the|our|my)\s+)?(?:(?:model|version|one|_alias_|champion)\s+(?:\w+\s+){0,3}?before|(?:previous|prior|former|old|earlier|preceding)\s+(?:model|version|one|_alias_|champion))\b",
        ),
        (8, r"\b(?:go|switch|return|change|fall)\s+back\s+to\s+(?:_model_|the (?:model|version|_alias_|_ordinal_))"),
        (
            8,
            r"\b(?:restore|reinstate|re-instate|bring back|use)\s+(?:the |our )?(?:previous|former|old|earlier|prior) (?:model|_alias_|version|one|champion)\b",
        ),
        (8, r"\b(?:old|previous|former|earlier) (?:model|version|one|champion|_alias_)\b.*\bback\b"),
        (8, r"\bundo\b.*\b(?:promotion|promoting|deployment|release)\b"),
    ),
}

MONITORED: dict[str, tuple[tuple[float, str], ...]] = {
    "check_drift": (
        (
            6.5,
            r"<lead>(?:re-?)?check\s+(?:it|again|now|everything|once more|them|[\w.]+-[\w.-]+|(?:the |our )?(?:models?|_model_|_monitor_))(?:\s+(?:again|now|please|once more))*\W*$",
        ),
        (6.5, r"<lead>check (?:on )?(?:the )?_ordinal_"),
        (6.5, r"\b(?:run|do|make|perform|start|trigger)\b(?:\s+\w+){0,2}\s+checks?\b"),
        (6.5, r"<lead>check (?:_source_|_dataset_)(?:\s+(?:too|as well|please|now|next))*\W*$"),
        (6.5, r"\b(?:what|how) about (?:_source_|_dataset_)"),
        (6.5, r"\bcheck\b.*\b(?:new|live|latest|incoming|newest|recent) (?:data|rows|windows?|predictions?)\b"),
    ),
    "monitor_status": (
        (
            6,
            r"\bhow(?:'s| is| are) (?:the |our |my )*(?:it|things|everything|models?|_model_|_alias_) (?:do\w*|perform\w*|hold\w*|behav\w*|far\w+|now|today)\b",
        ),
        (8, r"\b(?:history|list) of (?:the |all )*checks?\b|\bchecks? history\b"),
        (7, r"\bhow (?:good|accurate|well|reliable)\b.*\b(?:on|in|with)\b.*(?:_alias_|\blive\b|\bincoming\b)"),
        (6, r"\bhow(?:'s| is) (?:the )?(?:performance|_metric_|quality)\b"),
        (
            6,
            r"\b(?:is|are) (?:it|things|they|we|all) (?:still )?(?:all ?right|ok(?:ay)?|fine|healthy|good|well|in order|<level>|stable|normal)\b",
        ),
        (
            6,
            r"\b(?:has|have|did|is) (?:the |our )*(?:performance|_metric_|quality|model|it)\b.*(?:\bdrop\w*|_drop_|\bworse\w*|\bfall\w*|\bfell\b|\bsuffer\w*|\bdeclin\w*)",
        ),
        (6, r"\b(?:how many|any)\b.*\b(?:logged|labels|labell?ed|waiting|windows?|checks?)\b"),
        (
            6,
            r"\b(?:any|some) (?:trouble|problems?|issues?|news|incidents?)\b|\banything (?:wrong|new|broken|going on)\b",
        ),
        (6, r"\b(?:last|latest|recent|previous|all) (?:checks?|windows?)\b"),
        (6, r"\bstill (?:accurate|good|reliable|performing|working)\b"),
        (6, r"\bwhat level\b|\bwhich level\b"),
    ),
    "advise": (
        (7, r"\bwhat (?:should|shall|can|must|do) (?:i|we) (?:do|need to do)\b"),
        (7, r"\b(?:which|what|who)\b.*\b(?:responsible|to blame|guilty)\b"),
        (7, r"\bwhat would you do\b"),
        (7, r"\bwhat(?:'s| is| has| did)? (?:happen\w*|going on|wrong) (?:to|with) <watched>"),
        (7, r"\bwhat (?:now|next|then)\b|^\W*(?:and )?now what\b"),
        (
            7,
            r"\bwhat (?:do|would) you (?:suggest|recommend|advise|propose)\b|\b(?:any|your) (?:advice|recommendations?|suggestions?)\b|\badvise me\b",
        ),
        (7, r"\b(?:anything|something|what) (?:\w+ ){0,3}to do\b|\bneeds? to be done\b|\b(?:need|have) to act\b"),
        (7, r"\bwhat(?:'s| is| has| was)? (?:causing|caused|behind)\b|\bwhat(?:'s| is) the (?:cause|reason)\b"),
        (
            7,
            r"\b(?:new|another|better) (?:model|one) (?:is )?(?:needed|necessary|required|due)\b|\bneed a (?:new|another|better) (?:model|one)\b",
        ),
        (7, r"\b(?:do|must|should|need)\b.*\b(?:we|i)\b.*\bdo (?:something|anything)\b"),
        (7, r"\bhow (?:bad|serious|severe|urgent|long has|long have)\b"),
        (
            7,
            r"\b(?:is|are) (?:it|this|that|they|these) (?:really )?(?:bad|serious|severe|urgent|a problem|dangerous|critical)\b|\bworr(?:y|ied)\b",
        ),
        (7, r"\bwhen did\b.*\b(?:start|begin|happen|turn|get|become|go)\b"),
        (
            7,
            r"\b(?:what|which)\b.*\b(?:changed|shifted|moved|went wrong|is wrong|'s wrong|broke|goes wrong|different)\b",
        ),
        (7, r"\bwhere (?:is|does|do|are)\b.*\b(?:wrong|fail\w*|worst|mistakes?|errors?|bad)\b"),
        (
            7,
            r"\b(?:what|which) (?:slices?|segments?|groups?|parts?|customers?|rows)\b.*\b(?:worst|affected|wrong|suffer\w*|hit|fail\w*|worse)\b",
        ),
        (
            7,
            r"\bwhy\b.*(?:\bdrop\w*|_drop_|\bworse\b|\bfall\w*|\bfell\b|\bdegrad\w*|\bbad(?:ly)?\b|\bchang\w+|\b(?:going|gone|goes|go|went) down\b)",
        ),
    ),
    "retrain_model": (
        (
            6,
            r"\btrain\b(?:\s+(?:me|us))?\s+(?:a|an|the|another)\s+(?:(?:new|better|fresh|second)\s+)*(?:one|replacement|successor|version)\b(?!.*\bto\b)",
        ),
        (
            6,
            r"\btrain (?:it|the model|_model_|[\w.]+-[\w.-]+) (?:again|anew|afresh) (?:on|with) (?:the )?(?:new|fresh|latest|recent|live|newest)\b",
        ),
        (
            6,
            r"\b(?:train|fit)\b.*\b(?:on|with) (?:the )?(?:fresh|new|newest|latest|recent|live|logged) (?:data|rows|labels)\b",
        ),
    ),
    "acknowledge": (
        (
            7,
            r"\b(?:i am|i'm|we are|we're|i will|i'll|we'll|somebody is|someone is|my team is|it is|it's) (?:already |now )?(?:on it|look\w* (?:after|into|at) (?:it|this|that)|tak\w+ care|handling|working on|dealing with|investigating|fixing|being)\b",
        ),
        (7, r"^\W*(?:on it|i(?:'m| am) on it|got it,? (?:i|we)\b.*)\W*$|\bi know\b"),
        (7, r"\b(?:take|taken|taking) (?:it|this|that|over)\b.*\bfrom here\b"),
    ),
    "log_labels": (
        (7, r"<labels>.*_source_|_source_.*<labels>"),
        (7, r"\b(?:row|id|case) [\w.-]+ (?:was|is|turned out|has|had)\b"),
    ),
    "drift_report": (
        (7, r"\bshow (?:me )?(?:the )?(?:performance|_metric_|history)\b"),
        (7, r"\bhow (?:has|have|did|does)\b.*\b(?:develop\w*|evol\w*|progress\w*)"),
        (8, r"\b(?:see|show|display|view|look at)\b.*\b(?:compared? (?:to|with)|versus|vs|against|next to)\b.*\btrain"),
        (7, r"\bdistribution of\b"),
    ),
    "roll_back": ((7, r"\bundo (?:it|that|this)\b|^\W*undo\W*$|\btake (?:it|that) back\b"),),
}

AFTERWARDS: dict[str, tuple[tuple[float, str], ...]] = {
    "advise": (
        (
            7,
            r"^\W*(?:and |but )?(?:why|how come|explain|because of what|what happened|what caused (?:it|this|that))(?: (?:is|was) (?:that|this|it))?\W*(?:please)?\W*$",
        ),
        (7, r"\bwhy (?:is|does) (?:that|this|it)\b"),
        (7, r"\btell me (?:more|why)\b|\bmore (?:details?|about (?:it|this|that))\b"),
    ),
    "monitor_status": ((6, r"^\W*(?:what(?:'s| is) the )?(?:status|state|alerts?)\W*(?:please)?\W*$"),),
    "drift_report": (
        (7, r"\b(?:report|page|html)\b(?!.*\bmodel)"),
        (7, r"\bshow (?:me |us )?(?:the |its |all )?(?:results?|details?|findings?)\b(?!.*\bmodel)"),
    ),
}

AFTER_RETRAINING: dict[str, tuple[tuple[float, str], ...]] = {
    "retrain_model": ((6, r"\btrain (?:it|the model|_model_|one|again|another)\b"),),
    "promote": (
        (
            6,
            r"\b(?:use|take|accept|approve|choose|pick|swap|switch to|go with|change to|replace|install|activate)\b.*(?:\b(?:it|that|this|one|model|challenger)\b|_alias_|_model_)",
        ),
    ),
}

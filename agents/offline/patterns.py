"""The words by which each kind of request is known, as patterns over a text with placeholders (see slots).

A row is (votes, pattern); of a kind's rows that match, the one with most votes counts. <model>, <data>, <rows> and
<list> stand for the fragments below. One pattern a line, because a wrapped pattern cannot be read.
"""

# ruff: noqa: E501

from agents.offline.words import word_set

FRAGMENTS = {
    "<model>": r"(?:(?:the|that|this|my|our|last|latest|best|current|new|newest)\s+)*(?:models?|_model_|_alias_|it\b)",
    "<data>": r"(?:(?:the|that|this|my|our|last|whole|training|first)\s+)*(?:data(?:set)?s?|table|file|_source_|_dataset_)",
    "<rows>": r"(?:(?:the|these|those|this|new|following|my|some|all|every|each|a|next)\s+)+(?:rows?|file|customers?|records?|cases?|samples?|clients?|data)",
    "<list>": r"(?:list|show|give|display|print|see|enumerate)\s+(?:me\s+)?(?:all\s+)?(?:of\s+)?(?:the\s+|my\s+|our\s+)?(?:available\s+|known\s+|registered\s+|imported\s+|trained\s+)?",
}

PATTERNS: dict[str, tuple[tuple[float, str], ...]] = {
    "greeting": ((1, r"^\W*(?:hi|hello|hey|good (?:morning|evening|afternoon))\b"),),
    "identity": (
        (5, r"\b(?:who|what) are you\b"),
        (5, r"\bare you (?:an? )?(?:ai|llm|human|bot|robot|real|chatgpt|gpt|language model|language)"),
        (5, r"\bwhat (?:llm|language model|ai|gpt)"),
        (5, r"\b(?:which|what) (?:llm|language model|ai model) (?:do|are|is)"),
        (5, r"\bwho am i (?:talking|speaking)"),
        (5, r"\b(?:is|was) (?:a|an|any) (?:llm|language model) (?:configured|connected|used)"),
        (5, r"\b(?:configure|connect|set up|use|add) (?:a|an|my|another) (?:llm|language model|openai|api key|gpt)"),
    ),
    "help": (
        (4, r"^\W*help\b(?! me (?:train|predict|build))"),
        (4, r"\bwhat (?:all )?can (?:you|i|this|it|millwright) (?:all )?(?:do|ask|help)"),
        (4, r"\bhow (?:do|can|should) i (?:start|begin|use (?:you|this|it)|get started)"),
        (4, r"\bwhat (?:are your|can i ask|do you do)"),
        (4, r"\bhow does (?:this|it) work"),
        (4, r"\bwhat should i (?:do|say|type)"),
        (4, r"\b(?:your|the|available|which|list) (?:commands|capabilities|abilities|tools|options)\b"),
        (4, r"\bwhat tools\b"),
        (4, r"\bhelp\W*$"),
    ),
    "list_datasets": (
        (4.5, r"\b(?:what|which) (?:data ?sets?|data|files|tables)\b.*\b(?:load|loaded|import|imported)\b"),
        (4, r"\bwhat (?:have|did) (?:i|we|you) (?:import|load|upload)"),
        (4, r"^\W*data ?sets\W*$"),
        (4, r"<list>(?:data ?sets?|data files|data)\W*(?:you have|we have|i have|there are|i imported)?\W*$"),
        (
            4,
            r"\b(?:what|which) (?:data ?sets?|data|files|tables)\b.*\b(?:have|there|exist|available|imported|loaded|know)\b",
        ),
        (4, r"\b(?:any|are there|how many|do (?:you|we|i) have any) (?:data ?sets?|data)\b"),
        (4, r"\bwhat data\b(?!.*_source_)"),
    ),
    "import": (
        (3, r"\b(?:get|put|pull|take|want)\b.*_source_.*\b(?:into|in|to|on|today)\b"),
        (3, r"\bwork (?:on|with) _source_"),
        (3, r"\b(?:import|load|upload|ingest|read in|bring in|register)\b"),
        (
            3,
            r"\b(?:read|open|add|take|use|here is|here's|this is|i have|got|try|start with|work (?:with|on)|switch to)\b(?: (?:the|my|our|a|some|file|data|dataset|table|called|named|in|is|from))*\W*_source_",
        ),
        (2.5, r"^\W*_source_\W*(?:please)?\W*$"),
        (1, r"_source_"),
    ),
    "profile": (
        (4, r"\bsummary\b(?!.*\bmodel\b)"),
        (4, r"\bwhat (?:kind|sort|type) of data\b"),
        (
            4,
            r"\b(?:any|some)thing (?:strange|odd|unusual|wrong|weird|special|noteworthy)\b.*\b(?:in|with|about) <data>",
        ),
        (5, r"\bhow (?:much|many)\b.*\bmissing\b"),
        (
            4,
            r"\b(?:profile|describe|explore|inspect|summari[sz]e|analy[sz]e|examine|eda|exploratory|overview of|summary of|statistics (?:of|for)|stats (?:of|for|on))\b(?!.*\b(?:model|importance)\b)",
        ),
        (4, r"\b(?:look|peek|glance) (?:at|into|like|inside) ?(?:<data>)?"),
        (4, r"\bwhat(?:'s| is| are)? (?:in|inside) <data>"),
        (4, r"\b(?:tell|show) me (?:more )?about <data>"),
        (
            6,
            r"\b(?:what|which) (?:columns?|features?|fields?|variables?) (?:are (?:there|in|available)|(?:does|do) (?:it|the|this|my|i|we)\b.*\bhave|has it)",
        ),
        (6, r"\b(?:is|are) (?:the )?(?:target|classes|labels?) (?:balanced|imbalanced|skewed)"),
        (4, r"\bwhat (?:columns?|features?|fields?|variables?|kinds?) (?:are|does|do|is)"),
        (4, r"\b(?:missing|null|nan|empty|blank) (?:values?|cells?|data)\b"),
        (4, r"\b(?:any|how many) (?:missing|nulls?|nans?|outliers?|duplicates?)\b"),
        (4, r"\boutliers?\b"),
        (4, r"\bclass (?:balanced?|distribution|imbalance)\b"),
        (4, r"\bhow (?:many|big|large|balanced)\b.*\b(?:rows?|columns?|data(?:set)?|records?|classes|target)\b"),
        (4, r"\b(?:is|are) <data> (?:balanced|clean|good|ok|imbalanced|usable)"),
        (4, r"\bcolumns (?:are )?(?:in|of|there)\b"),
        (4, r"\bcorrelat"),
        (4, r"\bdistribution of\b"),
        (4, r"\bshow (?:me )?(?:the )?columns\b"),
        (4, r"\bdata quality\b"),
    ),
    "estimate": (
        (6, r"\bwhat (?:would|will|does)\b.*\b(?:cost|take)\b"),
        (6, r"\bwill\b.*\btake (?:very |too |so )?long"),
        (6, r"\bhow (?:long|much time|many (?:minutes|seconds|hours))\b.*\bfor\b"),
        (
            6,
            r"\bhow (?:long|much time|many (?:minutes|seconds|hours))\b.*\b(?:would|will|does|do|might|should|take|need|train)",
        ),
        (6, r"\b(?:estimate|guess) (?:the |a )?(?:training|time|cost|duration|how|run ?time|memory)"),
        (6, r"\bhow (?:much|expensive|costly)\b.*\b(?:cost|memory|ram|take|train)"),
        (6, r"\bwhat (?:would|will|does) (?:it|that|training|this) (?:cost|take|need)"),
        (6, r"\b(?:time|cost|memory) estimate"),
        (6, r"\bestimate (?:for|of|it|first|before)"),
        (6, r"^\W*estimate\b"),
        (6, r"\bhow long\W*$"),
        (6, r"\bwill it take long"),
        (6, r"\bdry[- ]run"),
    ),
    "compare": (
        (4, r"_model_.*_model_"),
        (5, r"\bwho wins\b"),
        (5, r"\bwhich (?:\w+ ){0,4}(?:is|was|performs|works|does|did) (?:the )?(?:best|better|worst|winner)\b"),
        (5, r"\bnext to each other\b"),
        (5, r"(?:_ordinal_|_model_)\b.*\b(?:improves?|improved|beats?|outperforms?|better than)\b"),
        (5, r"\bcompar(?:e|ing|ison)\b"),
        (5, r"\bside by side\b"),
        (5, r"\b(?:versus|vs)\b"),
        (
            5,
            r"\bwhich (?:one |model |of them |of these |of the models |_model_ )+(?:is|was|performs?|does|did|scores?|has|wins?|won)\b.*\b(?:best|better|good|well|most accurate|highest|winner|fastest|worst)?",
        ),
        (5, r"\bwhich (?:model|one) (?:is )?(?:best|better|won|wins)"),
        (5, r"\bwhat(?:'s| is| was) (?:the|my|our) best model"),
        (5, r"\brank (?:the |my |all )?models"),
        (5, r"\bis (?:_model_|it|the \w+ one) better"),
        (5, r"\bbest model so far"),
        (5, r"\bdifference between (?:the )?(?:_?models?_?|_model_)"),
    ),
    "leaderboard": (
        (5, r"\bhow did (?:the |all |each )*(?:\w+ )?candidates?\b"),
        (5, r"\bleader ?board\b"),
        (5, r"\bhow did (?:each|the (?:other|candidates?)|_family_|the models)"),
        (5, r"\b(?:all|which) candidates\b"),
        (5, r"\bwhat (?:models|candidates) (?:did you|were|was) (?:try|tried|trained)"),
        (5, r"\bwhich (?:models|candidates) (?:did you (?:try|train)|were (?:tried|trained))"),
    ),
    "explain": (
        (5, r"\bfactors\b"),
        (5, r"\bimportances?\b"),
        (5, r"\bjustif|\breasoning\b|\bhow come\b"),
        (5, r"\bwhat (?:is|are) the (?:main |key )?(?:reasons?|causes?)\b"),
        (5, r"\bexplain\b(?!.*\b(?:what you|yourself|how you work)\b)"),
        (5, r"\bwhy\b"),
        (5, r"\bwhat (?:matters?|drives?|drove|influences?|affects?|causes?|contributes?|determines?|counts)\b"),
        (5, r"\bwhat are the (?:main |key |most |biggest )+(?:drivers|factors|reasons|important)"),
        (
            5,
            r"\b(?:which|what|the|most|key|top) (?:\w+ )?(?:features?|columns?|variables?|factors?|inputs?|drivers?|fields?) (?:is|are|was|were|matters?|count|drives?|do|does|influenc\w+|affect\w*|contribut\w+|predict\w*|has|have)\b(?!.*\bin (?:the|my|this) (?:data|file|table))",
        ),
        (5, r"\bimportan(?:ce|t)\b"),
        (5, r"\bkey (?:drivers|factors)\b"),
        (5, r"\bdrivers\b"),
        (5, r"\bhow (?:does|did|do) (?:it|the model|_model_|they) (?:decide|work|predict|know|reach|come)"),
        (5, r"\bwhat (?:does|did) (?:it|the model|_model_) (?:look at|rely on|use|learn)"),
        (5, r"\brel(?:y|ies) on\b"),
        (5, r"\bshap\b"),
        (5, r"\binterpret"),
        (5, r"\b_top_\b"),
        (5, r"\bmost influential\b"),
        (5, r"\breasons? (?:for|behind)\b"),
    ),
    "evaluate": (
        (5, r"\b(?:works?|performs?|holds? up|generali[sz]es?)\b.*\bon\b.*_source_"),
        (5, r"\bevaluat(?:e|ion)\b"),
        (
            5,
            r"\b(?:test|validate|check|measure|try|score|assess|benchmark|verify)\b.*\b(?:<model>)\W.*\bon\b.*(?:_source_|_dataset_|\bdata\b)",
        ),
        (5, r"\bhow (?:good|well|accurate|does|would|do)\b.*\bon\b.*(?:_source_|_dataset_|\bnew data\b)"),
        (5, r"\b(?:test|validate|check|measure|assess)\b (?:it |this |that )?(?:on|against|with|using)\b"),
        (5, r"\b(?:_metric_|performance|score) on\b.*_source_"),
        (5, r"\btest (?:it|the model|_model_|this model|that model)\b"),
        (5, r"\bhold ?out (?:score|result)"),
        (5, r"\bon (?:the )?(?:sealed|test) (?:set|rows|data)"),
    ),
    "predict": (
        (4, r"\brun <model>\W.*_source_"),
        (6, r"_rows_"),
        (5, r"\bpredict(?:ions?|ing)?\b.*\b(?:with|using|by|from|of)\b\s+<model>"),
        (5, r"\b(?:use|using|take|apply|run)\s+<model>\W.*\b(?:predict|score|on|to)\b"),
        (5, r"\b(?:make|get|give|run|create|produce|generate|compute|write)\b.*\bpredictions?\b"),
        (5, r"\bpredictions? (?:for|on|of)\b"),
        (
            4.5,
            r"\b(?:predict|score|infer|label)\s+(?:on\s+|for\s+)?(?:the |my |all )?(?:<rows>|_source_|_dataset_|rows?\b|new\b)",
        ),
        (4, r"\bwhat (?:would|will|does) (?:the model |it |_model_ )(?:say|predict|think|give|be)"),
        (4, r"\bscore\b.*_source_"),
        (4, r"\bpredict\b.*\b(?:and )?_out_"),
        (4, r"\bapply\b.*_source_"),
        (4, r"\binference\b"),
        (4, r"\brun (?:it|the model) on\b"),
        (2, r"^\W*predict(?:ion)?s?\W*(?:please|now|something)?\W*$"),
        (2, r"\bi want (?:to make )?(?:a )?predictions?\b"),
    ),
    "train": (
        (3, r"\b(?:build|create|make|develop)\b.*\b(?:from|with|on|using) _source_"),
        (2.5, r"\bknow (?:who|which|whether|if|what|how)\b"),
        (2.5, r"\bwhich (?:customers|clients|people|users|patients|rows|\w+s) (?:are|will|do|would)\b"),
        (2.5, r"^\W*(?:please )?model (?!_|card|info|detail|list|reg)\w+"),
        (3, r"\b(?:target|label) (?:column )?(?:is|=|:|should be|will be)"),
        (4, r"\b(?:train|fit|retrain|re-train)\b(?!ing (?:rows|set|data))"),
        (4, r"\btraining\b(?=.*\b(?:start|run|on|of|with|a|new)\b)"),
        (4, r"\b(?:start|run|begin|launch|do|kick off)\b.*\btraining\b"),
        (4, r"_max_models_"),
        (
            4.5,
            r"\b(?:build|create|make|develop|produce|construct|prepare|want|need|get|give me|find|design|set up)\b(?: \w+){0,4} (?:models?|classifiers?|regressors?|predictors?|regression|classification)\b(?!s? (?:the )?_alias_)",
        ),
        (3, r"\b(?:predict(?:s|ing)?|forecast(?:ing)?|classif(?:y|ies|ying)|detect(?:ing)?|regress(?:ing)?|guess)\b"),
        (
            2.5,
            r"\b(?:who|which|whether|what|how likely|how much|how many|if)\b.*\b(?:will|would|likely|going to|about to|might|may|at risk|is expected)\b",
        ),
        (2.5, r"\blikely to\b"),
        (2.5, r"\bat risk of\b"),
        (2.5, r"\bfind out (?:who|which|whether|if|what)\b"),
        (2.5, r"\bmodel (?:for|of|to)\b"),
        (2.5, r"\b(?:auto ?ml|machine learning)\b"),
        (2.5, r"\bi(?:'d| would)? (?:want|like|need) to (?:know|find|predict)"),
        (2.5, r"\blearn\b.*\bfrom\b"),
        (2.5, r"\bspot\b"),
        (2.5, r"\bflag\b"),
    ),
    "list_models": (
        (
            4.5,
            r"<list>(?:models?|versions?|registry|registered)\W*(?:you have|we have|i have|there are|so far|in the registry)?\W*$",
        ),
        (4.5, r"\b(?:what|which) models\b.*\b(?:have|there|exist|available|know|registered|trained so far|do i)\b"),
        (4.5, r"\b(?:any|how many|are there) (?:trained |registered )?models\b"),
        (4.5, r"^\W*models\W*$"),
        (4.5, r"\bmodel registry\b"),
    ),
    "show_model": (
        (4.5, r"\bwhat (?:score|result|performance|_metric_)\b.*\b(?:get|got|reach|reached|have|achieve|achieved)\b"),
        (
            4.5,
            r"\b(?:show|details?|describe|info(?:rmation)?|display|tell me|more|inspect|open|see)\b(?:\W+(?:me|about|on|of|for|the|model))*\W+(?:_model_|(?:that|this|last|latest|best|current|newest) model\b|it\b|model\W*$|model card|report|card\b|model (?:details|info))",
        ),
        (4.5, r"\b(?:model )?card\b"),
        (
            4.5,
            r"\bwhere (?:is|are|can i find|do i find|did you (?:put|save)) (?:the |my )?(?:report|model|package|card|it)\b",
        ),
        (
            4.5,
            r"\bhow (?:good|accurate|well) (?:is|was|does|did|are) (?:it|(?:the|that|this|my|our|last|best|new)(?: \w+)? (?:models?|_metric_|results?)|_model_|they)\b(?!.*\bon\b)",
        ),
        (
            4.5,
            r"\bwhat(?:'s| is| was) (?:the|its) (?:_metric_|score|performance|result|accuracy|test score|error|baseline|validation)",
        ),
        (4.5, r"^\W*_model_\W*$"),
        (4.5, r"\bshow (?:me )?(?:the )?(?:_alias_|results?|report|scores?)\b"),
        (4.5, r"\bwhich metric (?:was|did)"),
    ),
    "promote": (
        (5, r"\b(?:make|set|mark|name)\b.*_model_ (?:as |the |a |our )*_alias_"),
        (5, r"\bshould be(?:come)? (?:the |our |a |new )*_alias_"),
        (5, r"\bpromot(?:e|ion|ing)\b"),
        (
            5,
            r"\b(?:make|set|mark|declare|crown|use|tag|name|put|take|choose|pick|call|turn|move)\b.*(?:\b(?:as|the|a|our|new|to|into|in|is)\b\s+)+_alias_",
        ),
        (5, r"\b(?:crown|deploy|ship|go live with|release)\b.*\b(?:it|model|_model_|that|this)"),
        (5, r"\b_alias_ (?:alias|please)"),
        (5, r"\broll ?back\b"),
        (5, r"\bbecome (?:the )?_alias_"),
        (5, r"^\W*_alias_\W*$"),
    ),
    "list_jobs": (
        (4.5, r"<list>(?:running |recent |last |old )?jobs\b"),
        (4.5, r"\b(?:what|which|any|how many) (?:\w+ )?jobs\b"),
        (4.5, r"\bwhat(?:'s| is) (?:still |currently |now )?running\b"),
        (4.5, r"\bwhat are you (?:doing|running|working)"),
        (4.5, r"^\W*jobs\W*$"),
        (4.5, r"\bjob (?:list|history|queue)"),
        (4.5, r"\banything running\b"),
    ),
    "job_status": (
        (
            4.5,
            r"\b(?:is|are|has) (?:my|the|this|our) (?:\w+ )?(?:training|job|run) (?:still|done|finished|ready|running|over|through|complete)",
        ),
        (4.5, r"\bwhere are we\b"),
        (6.5, r"\bhow much (?:longer|_factor_)"),
        (4.5, r"\bstatus\b"),
        (
            4.5,
            r"\bhow (?:is|are|'s) (?:it|the (?:job|training|run)|things|that|training|_job_) (?:going|doing|coming|progressing|getting)",
        ),
        (4.5, r"\bhow far\b"),
        (4.5, r"\bprogress\b"),
        (
            4.5,
            r"\b(?:is|are|has|have) (?:it|the (?:job|training|run)|training|_job_|that|they|you) (?:done|finished|ready|still|complete|completed|over|through|running|been|yet)",
        ),
        (4.5, r"\bdone yet\b"),
        (4.5, r"\bfinished yet\b"),
        (4.5, r"\bare we there\b"),
        (4.5, r"^\W*_job_\W*$"),
        (4.5, r"\b(?:check|show|state of|where is|what about|about|see)\b.*_job_"),
        (4.5, r"\bhow'?s it going\b"),
    ),
    "cancel": (
        (5, r"^\W*(?:please |can you |now )*cancel\b(?!.*\bwill\b)"),
        (5, r"\bcancel(?:l?ing|led)?\b(?=.*(?:\bjobs?\b|_job_))"),
        (
            5,
            r"^(?!.*\b(?:which|who|whether|likely|going to|predict\w*|forecast\w*|customers?|subscri\w+|contracts?|orders?)\b).*\bcancel(?:l?ing|led)?\b(?!.*\bwill\b)",
        ),
        (5, r"\babort\b"),
        (
            5,
            r"\b(?:stop|kill|terminate|halt|interrupt|end|quit)\b(?:\W+(?:it|the|that|this|my|a|job|training|run|running|now|please|current|all|_job_))*\W*$",
        ),
        (5, r"\bstop (?:the )?(?:job|training|run|it|_job_)\b"),
        (5, r"\bdon'?t (?:go on|continue)\b"),
    ),
    "out_of_scope": (
        (
            4.5,
            r"\b(?:delete|remove|erase|wipe|destroy)\b.*\b(?:all|everything|data ?sets?|models?|files?|jobs?|home)\b",
        ),
        (
            4.5,
            r"\b(?:rm -rf|drop table|shell|execute|run (?:some |this )?(?:code|python|script|command)|write (?:some |a |me )?(?:code|python|script|poem|sql|email|essay|story|song))\b",
        ),
        (4.5, r"\b(?:weather|joke|poem|news|capital of|translate|recipe)\b"),
        (
            4.5,
            r"\b(?:cluster|clustering|segment|quanti[sz]e|prune|distil|onnx|drift|fine[- ]?tune|chatbot|api key)\b(?!.*\btrain\b)",
        ),
    ),
    "refine": (
        (
            3.5,
            r"\b(?:put|bring|add|take|include)\b.*\bback\b|\bun-?drop\b|\bre-?include\b|\bstop (?:ignoring|dropping)\b",
        ),
        (3.5, r"\bsame (?:for|with|on|but|thing)\b"),
        (4.2, r"\bwhat if\b.*_(?:metric|family|nofamily|budget|seed|drop|factor|max_models)_"),
        (3.5, r"\b(?:again|instead|this time|once more|redo|re-?run|repeat|rerun)\b"),
        (2, r"_(?:metric|family|nofamily|budget|seed|drop|factor|max_models)_"),
    ),
    "ordinal": (
        (3, r"\b(?:what|how) about\b.*_ordinal_"),
        (3, r"^\W*(?:and )?(?:the )?_ordinal_\W*$"),
        (3, r"^\W*(?:and|now)\W.*_ordinal_\W*$"),
        (3, r"\b(?:show|tell|open|use)\b.*_ordinal_"),
    ),
}


SETTINGS = word_set("_metric_ _family_ _nofamily_ _budget_ _seed_ _drop_ _factor_ _max_models_")

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
            "ok okay please ahead it for on then now let's lets that so make sounds good alright fine me with great right "
            "cool and the training"
        ),
    ),
    "refine": (
        3,
        SETTINGS,
        word_set(
            "ok okay and now then but please so what about how try use do it same the repeat using with for only just on "
            "best optimise optimize maximise maximize minimise minimize run go take give set change switch to metric a of "
            "by judge score in not no add also me let's lets more all except model models instead again rather want i we "
            "prefer make different another column columns or too as well this time _top_ _target_ hmm can could you i'd "
            "like care that let us if possible one once train quick quickly"
        ),
    ),
}
"""Short messages, known by all their words: votes, words of which one must stand there, words that may stand beside."""

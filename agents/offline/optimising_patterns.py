"""The words by which requests about smaller and faster models are known (see patterns for how a row reads).

OPTIMISING counts always; AFTERWARDS only right after a request of this kind, where 'why?' is about the choice and
'take the smallest' about its table.
"""

# ruff: noqa: E501

FRAGMENTS = {
    "<thing>": r"(?:it|this|that|_model_|(?:(?:the|my|our|this|that|last|latest|current|new|best|trained|[\w-]+)\s+){0,4}?(?:models?|network|classifier|_alias_)|[\w.]+-[\w.-]+)(?!\w)",
    "<variant>": r"(?:quanti[sz]\w*|int-?8|8[- ]bits?|prun(?:e|ed|ing)|spars\w+|qat|bf-?16|bfloat16|half[- ]precision|torch[. ]?compile|compil(?:e|ed|ing|ation)|onnx[-\w]*|student(?:-int8)?|eager|variants?)(?!\w)",
    "<way>": r"(?:quanti[sz](?:e|es|ed|ing|ation)|int-?8|uint8|8[- ]bits?|prun(?:e|ed|ing)|sparsif\w+|qat|bf-?16|bfloat16|half[- ]precision|torch[. ]?compile|onnx-int8-\w+|onnx[- ]?runtime)(?!\w)",
    "<smaller>": r"(?:smaller|smallest|tinier|tiny|lighter|slimmer|faster|fastest|quicker|compact|lightweight|snappier|leaner|cheaper|small|light|fast|quick|mini|slim|less (?:memory|space|ram)|more efficient)(?!\w)",
    "<unit>": r"(?:rows?|predictions?|answers?|requests?|calls?|customers?|samples?|images?|pictures?|texts?|messages?|inferences?)(?!\w)",
}

OPTIMISING: dict[str, tuple[tuple[float, str], ...]] = {
    "optimise": (
        (7.5, r"\boptimi[sz](?:e|ing)\s+<thing>(?!\s+(?:for\s+|by\s+)?_metric_)(?!.*\bhyper)"),
        (6, r"\btune\s+<thing>.*(?:_latency_|_size_|\bspeed|\blatency|\bproduction|_alias_)"),
        (7.5, r"\boptimi[sz](?:e|ed|ing)\b(?:\s+[\w-]+){0,4}?\s+for\s+(?:the |a |an )?(?:_alias_|production|deployment|deploying|serving|inference|speed|size|latency|memory|throughput|edge|mobiles?|phones?|small|cpus?|_device_|onnx)\b"),
        (7.5, r"\boptimi[sz](?:e|ed|ing)\b.*(?:_latency_|_loss_|_size_)"),
        (6, r"^\W*(?:please |now |can you |could you |ok |then )*optimi[sz]e(?: please| now)?\W*$"),
        (6, r"\bprefer\s+(?:low |high |small )?(?:latency|throughput|size|memory|speed)\b"),
        (6.6, r"\boptimi[sz]e (?:everything|with)\b(?!.*_metric_)"),
        (6, r"\b(?:run|do|start|try)\b(?:\s+\w+){0,3}?\s+(?:model )?optimi[sz]ations?\b"),
        (6, r"\b(?:smaller|tinier|lighter|slimmer|faster|quicker|leaner|cheaper|more compact|(?:small|tiny|compact|lightweight|light|fast|mini|slim)(?=.* (?:of|from|for)\b.*<model>))\b.*\b(?:models?|version|copy|one)\b"),
        (6, r"\b(?:quickest|fastest|smallest|leanest)\b.*\b(?:you|we|i|it) can (?:get|make|be|go|become)\b|\bhow (?:much|far) (?:smaller|faster|lighter|_factor_)? ?(?:could|can|would|may) (?:<thing>|you|we|i)\b"),
        (6, r"\b(?:deploy\w*|serving)[- ]ready\b|\b(?:version|copy|model|one)\b.*\bless (?:ram|memory|space)\b"),
        (6, r"\b(?:best|good|find|better)\b.*\btrade[- ]?offs?\b.*\b(?:speed|size|latency|memory)\b"),
        (6, r"\bsomething (?:smaller|tinier|lighter|slimmer|faster|leaner|more compact)\b"),
        (6, r"\b(?:make|get|have|need|want|turn)\b.{0,60}?(?:<thing>|\binference|\bpredictions?|\banswers?)\W.{0,80}?<smaller>"),
        (6, r"\b(?:can|could|may|might|should|must|would|will)\s+(?:<thing>|(?:the )?(?:inference|predictions?|answers?))\s+(?:please |also |even |not |n't )*(?:be|get|run|become|answer|respond|predict|work|use|fit)\b.*(?:<smaller>|_latency_|_size_|\bin\b)"),
        (6, r"^(?=.*(?:<model>|[\w.]+-[\w.-]+)).*\b(?:compress|shrink|slim(?: \w+)? down|downsize|condense|miniaturi[sz]e|squeeze|accelerate|trim)\b"),
        (6, r"\b(?:speed|sped|speeding)\b(?:\s+[\w-]+){0,4}?\s+up\b(?!.*\btraining\b)|\bspeed up\b(?!.*\btraining\b)"),
        (6, r"\b(?:is|are|too|still|so|much|very|way)\b.*\btoo (?:slow|big|large|heavy|fat)\b|^\W*too (?:slow|big|large|heavy)\b|\btoo slow\b"),
        (6.5, r"<way>"),
        (6.5, r"\b(?:compile|sparse|student|eager)\b.*\b(?:variants?|as (?:a )?candidates?)\b"),
        (6.5, r"\bcompile (?:it|the model|_model_|this model)\b"),
        (6.5, r"\bcalibrat\w+\b(?!.*\bprobabilit)"),
        (4.5, r"_latency_|_loss_|_size_"),
        (6, r"\b(?:make|get|need|want|must|should|has to|have to|let|can|could|keep|bring|it|model|answers?|predictions?)\b.*(?:_latency_|_size_)"),
        (6, r"\b(?:ready|prepare|prep)\b(?:\s+[\w-]+){0,4}?\s+for (?:the |a |an )?(?:_alias_|production|deployment|deploying|serving|edge|mobile|phone|small)|\bproduction[- ]ready\b"),
        (7, r"_alias_\s*-?\s*ready\b|\b(?:half|lower|mixed|reduced|single) _metric_(?! of)"),
        (6, r"\b(?:reduce|cut|lower|halve|decrease|bring down|improve|minimi[sz]e)\b(?:\s+[\w'’-]+){0,3}?\s+(?:latency|size|footprint|memory(?: use| usage)?|response times?|inference times?|throughput|speed)\b"),
        (6, r"\b(?:make|improve|increase|raise|boost|maximi[sz]e)\b(?:\s+[\w-]+){0,4}?\s+throughput\b|\b(?:make|get|let|need|want|should|must|handle)\b.*_rate_"),
    ),
    "show_optimisation": (
        (8, r"\b(?:compare|rank|sort|explain)\b.*\bvariants?\b"),
        (8, r"\b(?:show|see|display|open|repeat|print|look at|give me|list|view|where is|where's|what (?:did|was|were|came of))\b.*\b(?:optimi[sz]ations?(?!\s+of _metric_)|variants?|pareto|trade[- ]?offs?)\b"),
        (8, r"\b(?:which|what|each|every|all|how many) (?:of the |the )?(?:\w+ )?variants?\b"),
        (8, r"\boptimi[sz]ation (?:report|page|table|results?)\b|\b(?:report|page|table|results?) of the optimi[sz]ation\b"),
        (8, r"\b(?:what|how much|how many|how)\b.*\b(?:did|has|have)\b.*<variant>.*\b(?:costs?|lose|lost|drop|_drop_|_loss_|give|gain|bring|brought|save|change|do|hurt|help)\b"),
        (8, r"\b(?:what|how much)\b.*\b(?:lost|cost|gained|saved)\b.*\b(?:by|with|from|through)\b.*<variant>"),
        (8, r"\bwhy\b.*\b(?:refused|rejected|skipped|not applicable|not chosen|chosen|picked|failed)\b(?!.*\b(?:job|training)\b)"),
        (8, r"\bwhy\b.*<way>"),
    ),
    "export": (
        (7, r"\b(?:give|get|need|want|have|send)\b.*\b(?:an |the |as )?onnx\b"),
        (7.5, r"_onnx_"),
        (7, r"\b(?:export|convert|turn|save|write|dump|transform|translate|store|put|bring)\b.*\bonnx\b"),
        (7, r"\b(?:give|get|need|want|create|produce|make|generate|have|send|download)\b.*\bonnx(?: (?:file|model|version|graph|export|format))\b"),
        (7, r"\b(?:as|to|into|in) (?:an? )?\.?onnx\b|(?<![\w/])\.onnx\b|^\W*(?:an? )?onnx(?: file| export| please)*\W*$|\bonnx (?:file|export) (?:of|for|from)\b"),
        (6.5, r"\bexport\s+(?:me\s+)?<thing>"),
    ),
    "benchmark": (
        (7, r"\bwhat (?:latency|throughput|speed)\b"),
        (7, r"\bbench ?mark(?:s|ing|ed)?\b|\b(?:fast|quick) enough\b|^\W*(?:the )?(?:latency|latencies|speed|throughput) of\b"),
        (7, r"\bhow (?:fast|quick|slow|quickly|slowly) (?:is|are|does|do|can|could|was|would|will)\b(?!.*\btrain)"),
        (7, r"\bhow (?:long|many (?:ms|milli\w+|micro\w+)|much time)\b.*\b(?:one|an?|each|single|every|per)\s+(?:single )?<unit>"),
        (7, r"\bhow (?:long|many (?:ms|milli\w+|micro\w+)|much time)\b.*\bto (?:answer|respond|reply)\b"),
        (7, r"\b(?:measure|time|test|check|compare|know|show|tell|profile|report)\b.*\b(?:latency|latencies|speeds?|throughput|response times?|inference times?|how fast|how quickly?)\b"),
        (7, r"\bwhat(?:'s| is| are) (?:the |its |their |_model_ |p95 |p99 |median |mean |average |typical )*(?:latency|throughput|speed|response time|inference time|cold start)\b"),
        (7, r"^\W*(?:its |the )?(?:latency|throughput|speed)\W*(?:please)?\W*$"),
        (7, r"\bwhich\b(?!.*\bvariants?\b).*\b(?:models?|one|_model_|of (?:them|these|the)|is|answers|responds)\b.*(?:\b(?:fastest|faster|quickest|quicker|slowest|slower)\b|_factor_)"),
        (7, r"\brace\b.*_model_|^\W*(?:please |now )?time\b(?:\s+\w+){0,3}?\s+<unit>"),
        (7, r"\b(?:is|are|was|does|do)\b.*\b(?:faster|slower|quicker|_factor_)\b.*\b(?:than|as)\b"),
        (7, r"\bhow many\b.*_rate_|^(?=.*_rate_).*\?"),
        (6.5, r"\btime (?:it|the model|_model_|the models|them)\b"),
    ),
}  # fmt: skip

AFTERWARDS: dict[str, tuple[tuple[float, str], ...]] = {
    "optimise": (
        (6, r"_latency_|_loss_|_size_"),
        (6.6, r"\b(?:take|use|choose|pick|go (?:for|with)|give me|prefer\w*|rather|want|try|add|include|only|just|now|with|without|instead|no|also)\b(?! about\b).*(?:<variant>|\b(?:smallest|fastest|smaller|faster|quickest|most accurate|size|latency|speed|throughput|memory|accuracy|_metric_ (?:first|instead))\b)"),
        (6.6, r"\b(?:size|speed|latency|memory|throughput|accuracy|_metric_)\b.*\b(?:matters|counts|more important|comes first|first)\b"),
        (6.6, r"^\W*(?:the )?(?:smallest|fastest|most accurate|leanest)\b(?: one| variant)?(?: instead| then| please)*\W*$"),
        (6.6, r"^\W*(?:and |now |then |ok |only |just )*<variant>(?: please| instead| then| only)*\W*$"),
    ),
    "show_optimisation": (
        (8, r"\bwhy\b|\bhow come\b"),
        (7.5, r"\b(?:what|how) about\b.*<variant>|^\W*(?:and )?(?:did|does|is|was|were|are|has|have)\b.*(?:<variant>|\btable\b)"),
        (7.5, r"\bhow (?:big|large|small|fast|accurate|good|slow|bad|heavy)\b.*<variant>"),
        (8, r"\b(?:show|see|open|display|repeat|give me|where is|where's)\b.*\b(?:table|report|page|results?|choice|details?|plots?|it again)\b"),
        (7.5, r"\b(?:which|what)\b(?!.*\bmodels?\b).*\b(?:fastest|smallest|slowest|largest|biggest|most accurate|least memory|most memory|refused|rejected|chosen|failed|skipped|nearest|closest|tried|quickest)\b"),
        (7.5, r"\b(?:what|how much)\b.*\b(?:did|does|do|was|were|is|would)\b.*(?:\b(?:cost|lose|lost|smaller|faster|quicker|gain|gained|save|saved)\b|_drop_|<variant>)"),
        (7.5, r"\b(?:is|was|are|did|do|have|has)\b.*\bgoals?\b"),
        (7.5, r"\b(?:what|which)\b.*\b(?:comes?|came|is|was) (?:the )?(?:nearest|closest|chosen|best)\b"),
    ),
}  # fmt: skip

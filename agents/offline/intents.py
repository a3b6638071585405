"""What a message wants. Patterns over the text with placeholders (see slots) vote; the context breaks ties."""

import re
from dataclasses import dataclass

from agents.offline.slots import Slots

ENOUGH = 2.0
"""Votes from which on a message is understood."""


@dataclass(frozen=True)
class Context:
    """What of the conversation bears on the meaning of a message."""

    trained: bool = False
    has_model: bool = False
    has_dataset: bool = False
    question: str | None = None


def _votes(*rows: tuple[str, float, str]) -> tuple[tuple[str, float, re.Pattern[str]], ...]:
    return tuple((intent, weight, re.compile(pattern, re.IGNORECASE)) for intent, weight, pattern in rows)


_THE_MODEL = r"(?:(?:the|that|this|my|our|last|latest|best|current|new|newest)\s+)*(?:models?|_model_|_alias_|it\b)"
_THE_DATA = (
    r"(?:(?:the|that|this|my|our|last|whole|training|first)\s+)*(?:data(?:set)?s?|table|file|_source_|_dataset_)"
)
_ROWS = r"(?:(?:the|these|those|this|new|following|my|some|all|every|each|a|next)\s+)+(?:rows?|file|customers?|records?|cases?|samples?|clients?|data)"
_LIST = r"(?:list|show|give|display|print|see|enumerate)\s+(?:me\s+)?(?:all\s+)?(?:of\s+)?(?:the\s+|my\s+|our\s+)?(?:available\s+|known\s+|registered\s+|imported\s+|trained\s+)?"

VOTES = _votes(
    ("greeting", 3, r"^\W*(?:hi|hello|hey|hiya|good (?:morning|evening|afternoon|day)|greetings|howdy|hallo)\b(?: (?:there|all|again|millwright))?\W*$"),
    ("greeting", 1, r"^\W*(?:hi|hello|hey|good (?:morning|evening|afternoon))\b"),
    ("thanks", 3, r"^\W*(?:many |ok |okay |great |perfect |cool |nice |super |wow )*\W*(?:thanks?|thank you|thx|cheers|ty|great|perfect|cool|nice|awesome|well done|good job|ok|okay|bye|goodbye|see you)\b(?:\W+(?:great|perfect|cool|nice|bye|everything|ok|thanks|thank you|so much|a lot|you|very much|that's all|that is all|for now|for (?:the|your) help|job|work))*\W*$"),
    ("identity", 5, r"\b(?:who|what) are you\b|\bare you (?:an? )?(?:ai|llm|human|bot|robot|real|chatgpt|gpt|language model|language)|\bwhat (?:llm|language model|ai|gpt)|\b(?:which|what) (?:llm|language model|ai model) (?:do|are|is)|\bwho am i (?:talking|speaking)|\b(?:is|was) (?:a|an|any) (?:llm|language model) (?:configured|connected|used)|\b(?:configure|connect|set up|use|add) (?:a|an|my|another) (?:llm|language model|openai|api key|gpt)"),
    ("help", 4, r"^\W*help\b(?! me (?:train|predict|build))|\bwhat (?:all )?can (?:you|i|this|it|millwright) (?:all )?(?:do|ask|help)|\bhow (?:do|can|should) i (?:start|begin|use (?:you|this|it)|get started)|\bwhat (?:are your|can i ask|do you do)|\bhow does (?:this|it) work|\bwhat should i (?:do|say|type)|\b(?:your|the|available|which|list) (?:commands|capabilities|abilities|tools|options)\b|\bwhat tools\b|\bhelp\W*$"),
    ("list_datasets", 4, _LIST + r"(?:data ?sets?|data files|data)\W*(?:you have|we have|i have|there are|i imported)?\W*$"),
    ("list_datasets", 4, r"\b(?:what|which) (?:data ?sets?|data|files|tables)\b.*\b(?:have|there|exist|available|imported|loaded|know)\b|\b(?:any|are there|how many|do (?:you|we|i) have any) (?:data ?sets?|data)\b|\bwhat data\b(?!.*_source_)"),
    ("import", 3, r"\b(?:import|load|upload|ingest|read in|bring in|register)\b"),
    ("import", 3, r"\b(?:read|open|add|take|use|here is|here's|this is|i have|got|try|start with|work (?:with|on)|switch to)\b(?: (?:the|my|our|a|some|file|data|dataset|table|called|named|in|is|from))*\W*_source_"),
    ("import", 2.5, r"^\W*_source_\W*(?:please)?\W*$"),
    ("import", 1, r"_source_"),
    ("profile", 4, r"\b(?:profile|describe|explore|inspect|summari[sz]e|analy[sz]e|examine|eda|exploratory|overview of|summary of|statistics (?:of|for)|stats (?:of|for|on))\b(?!.*\b(?:model|importance)\b)"),
    ("profile", 4, r"\b(?:look|peek|glance) (?:at|into|like|inside) ?(?:" + _THE_DATA + r")?|\bwhat(?:'s| is| are)? (?:in|inside) " + _THE_DATA + r"|\b(?:tell|show) me (?:more )?about " + _THE_DATA),
    ("profile", 6, r"\b(?:what|which) (?:columns?|features?|fields?|variables?) (?:are (?:there|in|available)|(?:does|do) (?:it|the|this|my|i|we)\b.*\bhave|has it)|\b(?:is|are) (?:the )?(?:target|classes|labels?) (?:balanced|imbalanced|skewed)"),
    ("profile", 4, r"\bwhat (?:columns?|features?|fields?|variables?|kinds?) (?:are|does|do|is)|\b(?:missing|null|nan|empty|blank) (?:values?|cells?|data)\b|\b(?:any|how many) (?:missing|nulls?|nans?|outliers?|duplicates?)\b|\boutliers?\b|\bclass (?:balanced?|distribution|imbalance)\b|\bhow (?:many|big|large|balanced)\b.*\b(?:rows?|columns?|data(?:set)?|records?|classes|target)\b|\b(?:is|are) " + _THE_DATA + r" (?:balanced|clean|good|ok|imbalanced|usable)|\bcolumns (?:are )?(?:in|of|there)\b|\bcorrelat|\bdistribution of\b|\bshow (?:me )?(?:the )?columns\b|\bdata quality\b"),
    ("estimate", 6, r"\bhow (?:long|much time|many (?:minutes|seconds|hours))\b.*\b(?:would|will|does|do|might|should|take|need|train)|\b(?:estimate|guess) (?:the |a )?(?:training|time|cost|duration|how|run ?time|memory)|\bhow (?:much|expensive|costly)\b.*\b(?:cost|memory|ram|take|train)|\bwhat (?:would|will|does) (?:it|that|training|this) (?:cost|take|need)|\b(?:time|cost|memory) estimate|\bestimate (?:for|of|it|first|before)|^\W*estimate\b|\bhow long\W*$|\bwill it take long|\bdry[- ]run"),
    ("compare", 5, r"\bcompar(?:e|ing|ison)\b|\bside by side\b|\b(?:versus|vs)\b|\bwhich (?:one |model |of them |of these |of the models |_model_ )+(?:is|was|performs?|does|did|scores?|has|wins?|won)\b.*\b(?:best|better|good|well|most accurate|highest|winner|fastest|worst)?|\bwhich (?:model|one) (?:is )?(?:best|better|won|wins)|\bwhat(?:'s| is| was) (?:the|my|our) best model|\brank (?:the |my |all )?models|\bis (?:_model_|it|the \w+ one) better|\bbest model so far|\bdifference between (?:the )?(?:_?models?_?|_model_)"),
    ("leaderboard", 5, r"\bleader ?board\b|\bhow did (?:each|the (?:other|candidates?)|_family_|the models)|\b(?:all|which) candidates\b|\bwhat (?:models|candidates) (?:did you|were|was) (?:try|tried|trained)|\bwhich (?:models|candidates) (?:did you (?:try|train)|were (?:tried|trained))"),
    ("explain", 5, r"\bexplain\b(?!.*\b(?:what you|yourself|how you work)\b)|\bwhy\b|\bwhat (?:matters?|drives?|drove|influences?|affects?|causes?|contributes?|determines?|counts)\b|\bwhat are the (?:main |key |most |biggest )+(?:drivers|factors|reasons|important)|\b(?:which|what|the|most|key|top) (?:\w+ )?(?:features?|columns?|variables?|factors?|inputs?|drivers?|fields?) (?:is|are|was|were|matters?|count|drives?|do|does|influenc\w+|affect\w*|contribut\w+|predict\w*|has|have)\b(?!.*\bin (?:the|my|this) (?:data|file|table))|\bimportan(?:ce|t)\b|\bkey (?:drivers|factors)\b|\bdrivers\b|\bhow (?:does|did|do) (?:it|the model|_model_|they) (?:decide|work|predict|know|reach|come)|\bwhat (?:does|did) (?:it|the model|_model_) (?:look at|rely on|use|learn)|\brel(?:y|ies) on\b|\bshap\b|\binterpret|\b_top_\b|\bmost influential\b|\breasons? (?:for|behind)\b"),
    ("evaluate", 5, r"\bevaluat(?:e|ion)\b|\b(?:test|validate|check|measure|try|score|assess|benchmark|verify)\b.*\b(?:" + _THE_MODEL + r")\W.*\bon\b.*(?:_source_|_dataset_|\bdata\b)|\bhow (?:good|well|accurate|does|would|do)\b.*\bon\b.*(?:_source_|_dataset_|\bnew data\b)|\b(?:test|validate|check|measure|assess)\b (?:it |this |that )?(?:on|against|with|using)\b|\b(?:_metric_|performance|score) on\b.*_source_|\btest (?:it|the model|_model_|this model|that model)\b|\bhold ?out (?:score|result)|\bon (?:the )?(?:sealed|test) (?:set|rows|data)"),
    ("predict", 6, r"_rows_"),
    ("predict", 5, r"\bpredict(?:ions?|ing)?\b.*\b(?:with|using|by|from|of)\b\s+" + _THE_MODEL + r"|\b(?:use|using|take|apply|run)\s+" + _THE_MODEL + r"\W.*\b(?:predict|score|on|to)\b"),
    ("predict", 5, r"\b(?:make|get|give|run|create|produce|generate|compute|write)\b.*\bpredictions?\b|\bpredictions? (?:for|on|of)\b"),
    ("predict", 4.5, r"\b(?:predict|score|infer|label)\s+(?:on\s+|for\s+)?(?:the |my |all )?(?:" + _ROWS + r"|_source_|_dataset_|rows?\b|new\b)"),
    ("predict", 4, r"\bwhat (?:would|will|does) (?:the model |it |_model_ )(?:say|predict|think|give|be)|\bscore\b.*_source_|\bpredict\b.*\b(?:and )?_out_|\bwhat if\b|\bapply\b.*_source_|\binference\b|\brun (?:it|the model) on\b"),
    ("predict", 2, r"^\W*predict(?:ion)?s?\W*(?:please|now|something)?\W*$|\bi want (?:to make )?(?:a )?predictions?\b"),
    ("train", 4, r"\b(?:train|fit|retrain|re-train)\b(?!ing (?:rows|set|data))"),
    ("train", 4, r"\btraining\b(?=.*\b(?:start|run|on|of|with|a|new)\b)|\b(?:start|run|begin|launch|do|kick off)\b.*\btraining\b|_max_models_"),
    ("train", 4.5, r"\b(?:build|create|make|develop|produce|construct|prepare|want|need|get|give me|find|design|set up)\b(?: \w+){0,4} (?:models?|classifiers?|regressors?|predictors?|regression|classification)\b(?!s? (?:the )?_alias_)"),
    ("train", 3, r"\b(?:predict(?:s|ing)?|forecast(?:ing)?|classif(?:y|ies|ying)|detect(?:ing)?|regress(?:ing)?|guess)\b"),
    ("train", 2.5, r"\b(?:who|which|whether|what|how likely|how much|how many|if)\b.*\b(?:will|would|likely|going to|about to|might|may|at risk|is expected)\b"),
    ("train", 2.5, r"\blikely to\b|\bat risk of\b|\bfind out (?:who|which|whether|if|what)\b|\bmodel (?:for|of|to)\b|\b(?:auto ?ml|machine learning)\b|\bi(?:'d| would)? (?:want|like|need) to (?:know|find|predict)|\blearn\b.*\bfrom\b|\bspot\b|\bflag\b"),
    ("list_models", 4.5, _LIST + r"(?:models?|versions?|registry|registered)\W*(?:you have|we have|i have|there are|so far|in the registry)?\W*$|\b(?:what|which) models\b.*\b(?:have|there|exist|available|know|registered|trained so far|do i)\b|\b(?:any|how many|are there) (?:trained |registered )?models\b|^\W*models\W*$|\bmodel registry\b"),
    ("show_model", 4.5, r"\b(?:show|details?|describe|info(?:rmation)?|display|tell me|more|inspect|open|see)\b(?:\W+(?:me|about|on|of|for|the|model))*\W+(?:_model_|(?:that|this|last|latest|best|current|newest) model\b|it\b|model\W*$|model card|report|card\b|model (?:details|info))|\b(?:model )?card\b|\bwhere (?:is|are|can i find|do i find|did you (?:put|save)) (?:the |my )?(?:report|model|package|card|it)\b|\bhow (?:good|accurate|well) (?:is|was|does|did|are) (?:it|(?:the|that|this|my|our|last|best|new)(?: \w+)? (?:models?|_metric_|results?)|_model_|they)\b(?!.*\bon\b)|\bwhat(?:'s| is| was) (?:the|its) (?:_metric_|score|performance|result|accuracy|test score|error|baseline|validation)|^\W*_model_\W*$|\bshow (?:me )?(?:the )?(?:_alias_|results?|report|scores?)\b|\bwhich metric (?:was|did)"),
    ("promote", 5, r"\bpromot(?:e|ion|ing)\b|\b(?:make|set|mark|declare|crown|use|tag|name|put|take|choose|pick|call|turn|move)\b.*(?:\b(?:as|the|a|our|new|to|into|in|is)\b\s+)+_alias_|\b(?:crown|deploy|ship|go live with|release)\b.*\b(?:it|model|_model_|that|this)|\b_alias_ (?:alias|please)|\broll ?back\b|\bbecome (?:the )?_alias_|^\W*_alias_\W*$"),
    ("list_jobs", 4.5, _LIST + r"(?:running |recent |last |old )?jobs\b|\b(?:what|which|any|how many) (?:\w+ )?jobs\b|\bwhat(?:'s| is) (?:still |currently |now )?running\b|\bwhat are you (?:doing|running|working)|^\W*jobs\W*$|\bjob (?:list|history|queue)|\banything running\b"),
    ("job_status", 4.5, r"\bstatus\b|\bhow (?:is|are|'s) (?:it|the (?:job|training|run)|things|that|training|_job_) (?:going|doing|coming|progressing|getting)|\bhow far\b|\bprogress\b|\b(?:is|are|has|have) (?:it|the (?:job|training|run)|training|_job_|that|they|you) (?:done|finished|ready|still|complete|completed|over|through|running|been|yet)|\bdone yet\b|\bfinished yet\b|\bare we there\b|^\W*_job_\W*$|\b(?:check|show|state of|where is|what about|about|see)\b.*_job_|\bhow'?s it going\b"),
    ("cancel", 5, r"\bcancel(?:l?ing|led)?\b(?!.*\b(?:customers?|subscri\w+|who|will|predict|train)\b)|\babort\b|\b(?:stop|kill|terminate|halt|interrupt|end|quit)\b(?:\W+(?:it|the|that|this|my|a|job|training|run|running|now|please|current|all|_job_))*\W*$|\bstop (?:the )?(?:job|training|run|it|_job_)\b|\bdon'?t (?:go on|continue)\b"),
    ("out_of_scope", 4.5, r"\b(?:delete|remove|erase|wipe|destroy)\b.*\b(?:all|everything|data ?sets?|models?|files?|jobs?|home)\b|\b(?:rm -rf|drop table|shell|execute|run (?:some |this )?(?:code|python|script|command)|write (?:some |a |me )?(?:code|python|script|poem|sql|email|essay|story|song))\b|\b(?:weather|joke|poem|news|capital of|translate|recipe)\b|\b(?:cluster|clustering|segment|quanti[sz]e|prune|distil|onnx|drift|fine[- ]?tune|chatbot|api key)\b(?!.*\btrain\b)"),
    ("refine", 3.5, r"\b(?:again|instead|this time|once more|redo|re-?run|repeat|rerun)\b"),
    ("refine", 3, r"^\W*(?:ok(?:ay)?|and|now|then|but|please|so|what about|how about|try|use|do it|same|the same|repeat)?\W*(?:(?:and|now|but|then|please|it|try|use|using|with|for|only|just|on|the|best|optimi[sz]e|maximi[sz]e|minimi[sz]e|same|do|run|go|take|give|set|change|switch|to|metric|a|of|by|judge|score|in|not|no|add|also|me|let's|lets|more|all|except|models?|instead|again|rather|want|i|prefer|make|different|another|columns?|what|how|about)\W+|_(?:metric|family|nofamily|budget|seed|drop|factor|max_models|top)_\W*(?:,|and|or|but)*\W*)*_(?:metric|family|nofamily|budget|seed|drop|factor|max_models)_(?:\W|\b(?:and|now|please|instead|again|only|models?|too|as well|this time|then|or|but|column|columns|with|_\w+_)\b)*$"),
    ("refine", 2, r"_(?:metric|family|nofamily|budget|seed|drop|factor|max_models)_"),
    ("ordinal", 3, r"\b(?:what|how) about\b.*_ordinal_|^\W*(?:and )?(?:the )?_ordinal_\W*$|^\W*(?:and|now)\W.*_ordinal_\W*$|\b(?:show|tell|open|use)\b.*_ordinal_"),
    ("go", 3, r"^\W*(?:ok(?:ay)?|yes|yep|yeah|sure|please|alright|fine)*\W*(?:do it|go(?: ahead| for it| on)?|start|run it|let'?s (?:go|do it|do that|start)|proceed|please do|train it|continue|make it so|start it|go ahead and train|then train)\W*(?:then|now|please|it)?\W*$|^\W*(?:yes|yep|yeah|sure|y)\W*(?:please|go ahead|do it|do)?\W*$"),
)  # fmt: skip


def classify(slots: Slots, context: Context) -> str:
    """The name of what is wanted, or 'unknown'."""
    score: dict[str, float] = {}
    for intent, weight, pattern in VOTES:
        if pattern.search(slots.rest):
            score[intent] = (
                score.get(intent, 0.0) + weight if intent in ("import",) else max(score.get(intent, 0.0), weight)
            )
    for adjust in ADJUSTMENTS:
        adjust(score, slots, context)
    best = max(score, key=lambda name: score[name], default="unknown")
    return best if score.get(best, 0.0) >= ENOUGH else "unknown"


def _training_words_with_rows(score: dict[str, float], slots: Slots, context: Context) -> None:
    """Rows are for predicting; so is a file after 'predict' when a model is there and no other goal is named."""
    if slots.models and "predict" in score:
        score["predict"] += 1
    if slots.rows and "train" in score:
        score["train"] = min(score["train"], 3.5)
    applies = re.search(r"\bpredict\b.*\bfor\b\s+(?:\w+\s+){0,3}_source_", slots.rest, re.IGNORECASE)
    if applies and context.has_model and not re.search(r"\btrain|build|fit\b", slots.rest, re.IGNORECASE):
        score["predict"] = max(score.get("predict", 0.0), 5)


def _refine_needs_a_training(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'now with F1' goes on from a training; without one it is a wish for a training."""
    if "refine" not in score:
        return
    if context.trained:
        again = re.search(r"\b(?:again|instead|this time|once more|redo|re-?run|repeat)\b", slots.rest, re.IGNORECASE)
        if again and not slots.source and "train" in score:
            score["refine"] = score["train"] + 0.5
    else:
        wish = score.pop("refine")
        if context.has_dataset or wish >= 3:
            score["train"] = max(score.get("train", 0.0), wish)


def _words_of_the_goal(score: dict[str, float], slots: Slots, context: Context) -> None:
    """A goal to train for may hold any word ('predict the status of a job'): what follows 'predict' is no request."""
    if not re.search(r"\b(?:train|build|fit)\b.*\bmodel\b|^\W*(?:please )?predict (?!_)", slots.rest, re.IGNORECASE):
        return
    for intent in ("job_status", "show_model", "profile", "greeting", "list_datasets", "out_of_scope", "ordinal"):
        if "train" in score and intent in score:
            score[intent] = min(score[intent], score["train"] - 1)


def _bare_predict(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'predict' and nothing else: with a model it asks for rows, without one for a training."""
    if context.has_model and re.fullmatch(r"\W*predict\W*", slots.rest, re.IGNORECASE):
        score["predict"] = 5.0


def _short_replies(score: dict[str, float], slots: Slots, context: Context) -> None:
    if "go" in score and "thanks" in score and not re.search(r"\byes|go|do\b", slots.rest, re.IGNORECASE):
        score["go"] = 0.0


def _report_after_training(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'how is it going' is about a job, 'how good is it' about a model; 'explain the data' is a profile."""
    if re.search(
        r"\bexplain\b.*\b(?:the|my|this) (?:data(?:set)?|table|file)\b(?!.*\bmodel\b)", slots.rest, re.IGNORECASE
    ):
        score["profile"] = 6.0
    if score.get("estimate") and "train" in score:
        score["train"] = min(score["train"], score["estimate"] - 1)


ADJUSTMENTS = (
    _training_words_with_rows,
    _refine_needs_a_training,
    _words_of_the_goal,
    _bare_predict,
    _short_replies,
    _report_after_training,
)

"""Which skill does which kind of request, and the few skills that only say something."""

from collections.abc import Mapping

from agents.offline import (
    comparing,
    distil,
    labelling,
    monitoring,
    optimising,
    past,
    planning,
    retraining,
    skills,
    standing,
    talking,
    texts,
    word_meanings,
    working,
)
from agents.offline.finding import model_for
from agents.offline.past_intents import asks_back
from agents.offline.past_patterns import PAST
from agents.offline.playing import Play, Request, Skill, Told
from agents.offline.votes import compiled, votes

_SCORES = compiled({"past_score": PAST["past_score"]})


def nth(play: Play, request: Request) -> str:
    """'what about the second one?': what was done last, done with another of the list."""
    listed, about = play.known.listed, play.known.about
    asked = bool(votes(request.slots.rest, _SCORES))
    if asked and past.by_training_order(request) and not (listed and listed[0].startswith(("ds_", "job_", "mon_"))):
        return past.score(play, request)
    if not listed:
        raise Told("I have shown no list yet. Say 'list models', 'list datasets' or 'list jobs'.")
    if listed[0].startswith("ds_"):
        skill = SKILLS["profile"]
    elif listed[0].startswith(("job_", "mon_")):
        skill = SKILLS["job_status" if listed[0].startswith("job_") else "monitor_status"]
    else:
        # promoting changes something: it is never repeated by such a short word
        skill = SKILLS[about if about in ("explain", "evaluate", "leaderboard") else "show_model"]
        past.also_trained(play, request, model_for(play, request))
    return skill(play, request)


def say(text: str) -> Skill:
    """A skill that only says something."""
    return lambda play, request: text


def greet(play: Play, request: Request) -> str:
    """In another language than English it is said how much of it is understood."""
    return texts.GREETING if request.slots.language is None else f"{texts.GREETING}\n{texts.LANGUAGES}"


def not_understood(play: Play, request: Request) -> str:
    """That it cannot be done, what can, and the nearest thing to it."""
    near = f" The nearest I know: '{request.near}'." if request.near else ""
    foreign = f" {texts.LANGUAGES}" if request.slots.language is not None else ""
    return f"{texts.UNKNOWN}{near}{foreign}"


def other_data(play: Play, request: Request) -> str:
    """'no, the other file'."""
    return talking.other_data(SKILLS)(play, request)


def leaderboard(play: Play, request: Request) -> str:
    """'which models did you try?' is about the last training, whatever model was looked at since."""
    return past.tried(play, request) if asks_back(request.slots.rest) else skills.leaderboard(play, request)


SKILLS: Mapping[str, Skill] = {
    "import": skills.import_data,
    "list_datasets": skills.list_datasets,
    "profile": skills.profile,
    "train": skills.train,
    "distil": distil.distil,
    "optimise": optimising.optimise,
    "show_optimisation": optimising.show,
    "export": optimising.export,
    "benchmark": optimising.benchmark,
    "check_drift": comparing.check_drift,
    "watch": monitoring.watch,
    "monitor_status": monitoring.monitor_status,
    "drift_report": monitoring.drift_report,
    "advise": monitoring.advise,
    "retrain_model": retraining.retrain,
    "acknowledge": monitoring.acknowledge,
    "log_labels": labelling.log_labels,
    "roll_back": retraining.roll_back,
    "estimate": skills.estimate,
    "refine": skills.refine,
    "go": skills.go,
    "compare": skills.compare,
    "leaderboard": leaderboard,
    "explain": skills.explain,
    "evaluate": skills.evaluate,
    "predict": skills.predict,
    "list_models": skills.list_models,
    "show_model": skills.show_model,
    "promote": skills.promote,
    "job_status": skills.job_status,
    "list_jobs": skills.list_jobs,
    "cancel": skills.cancel,
    "ordinal": nth,
    "help": say(texts.HELP),
    "identity": say(texts.IDENTITY),
    "greeting": greet,
    "thanks": say("You are welcome. Tell me when there is more to do."),
    "declined": say("All right."),
    "standing": standing.noted,
    "word_meant": word_meanings.word_meant,
    "column_asked": word_meanings.column_asked,
    "promotion_asked": word_meanings.promotion_asked,
    "never_mind": say("All right, I leave it."),
    "out_of_scope": not_understood,
    "unknown": not_understood,
    "why_choice": talking.why_choice,
    "judge": talking.judge,
    "which_data": talking.which_data,
    "so_far": talking.so_far,
    "undo": talking.undo,
    "other_data": other_data,
    "past_score": past.score,
    "past_target": past.target,
    "past_said": past.said,
    "past_settings": past.settings,
    "make_plan": planning.make_plan,
    "edit_plan": planning.edit_plan,
    "show_plan": planning.show_plan,
    "run_plan": planning.run_plan,
    "approve_step": planning.approve_step,
    "crew": working.crew,
    "research": working.research,
    "write_code": working.write_code,
    "remember": working.remember,
    "list_memories": working.list_memories,
    "forget": working.forget,
    "test_model": working.test_model,
    "deployment_plan": working.deployment_plan,
}

"""What the planner says of itself: help, who it is, what it does not understand."""

WHO = (
    "No language model is configured; I am the offline planner: rules that read your request and call the same tools. "
)
CONFIGURE = (
    "To talk to a language model, set MILLWRIGHT_LLM__PROVIDER=openai, MILLWRIGHT_LLM__MODEL and "
    "MILLWRIGHT_LLM__BASE_URL (any OpenAI-compatible server; MILLWRIGHT_LLM__API_KEY if it needs one), or "
    "MILLWRIGHT_LLM__PROVIDER=init with MILLWRIGHT_LLM__MODEL=provider:model."
)
ABILITIES = (
    "- load data: 'load telco.csv' or 'load sample:churn', 'describe the data', 'list datasets'\n"
    "- texts and images: 'train on ./photos' (a sub-folder for each class), 'classify the messages with an lstm on the "
    "gpu', 'what is in cat.png?'\n"
    "- train: 'predict which customers churn in telco.csv within 2 minutes, best F1', 'how long would it take?'\n"
    "- go on: 'now with recall', 'only lightgbm', 'drop column gender', 'try again with 5 minutes'\n"
    "- judge: 'what matters most?', 'compare the models', 'evaluate it on new.csv', 'show the leaderboard'\n"
    "- use: 'predict new.csv', 'predict tenure=3, Contract=Two year', 'make it the champion', 'list models'\n"
    "- watch: 'watch it', 'monitor it every hour with windows of 200 rows', 'any alerts?', 'here are the labels: "
    "labels.csv'\n"
    "- drift: 'has the data drifted?', 'check new.csv for drift', 'show me the drift report', 'plot drift over time'\n"
    "- act: 'what should I do?', 'retrain it', 'promote it', 'roll back', 'acknowledge the alert'\n"
    "- optimise: 'make it answer in 5 ms and lose at most 1 % f1', 'quantise it', 'make it smaller than 2 MB', 'which "
    "variant is fastest?', 'export it to model.onnx', 'how fast is it?'\n"
    "- distil: 'distil it into a network within a minute'\n"
    "- plan: 'make a plan to predict churn', 'drop step 2', 'run the plan'; 'let the crew work on churn'\n"
    "- ask: 'why not a forest?', 'how sure are you?', 'which file are you using?', 'what did you do so far?'\n"
    "- check: 'test the model for edge cases', 'plan the deployment', 'research how to handle rare classes', 'write "
    "the code'\n"
    "- notes: 'remember that I prefer recall', 'what do you remember?', 'forget that'\n"
    "- jobs: 'how is it going?', 'list jobs', 'cancel it'"
)
HELP = f"{WHO}I can:\n{ABILITIES}"
IDENTITY = f"{WHO}\n{CONFIGURE}"
UNKNOWN = (
    "I cannot do that without a language model. What I can: load and describe data, train, explain, compare and judge "
    "models, predict, watch for drift, make models faster, and plan or test all that. 'help' shows how to say it."
)
LANGUAGES = "I read English; of German, Spanish and French I know the words for loading, training, predicting and help."
GREETING = (
    f"Hello. {WHO}Tell me what to predict and from which file, for example 'predict which customers churn in "
    "telco.csv', or try 'train on sample:churn'. 'help' shows the rest."
)

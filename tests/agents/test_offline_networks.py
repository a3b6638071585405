"""What people say about networks, texts, images, devices and distillation, and the call that it must come to.

The first 63 were written before there was a pattern for any of it, by who then wrote the patterns: 95 % came to the
right call at the first try. The second batch was written after that and measured before anything was changed for
it: 79 % of its 57; one row came later. The assertion below holds what was reached afterwards.
"""

from collections.abc import Callable
from typing import Any

TRAIN, DISTIL, OPTIMISE = "train_model", "distil_model", "optimise_model"
ROWS: list[tuple[str, str, str | None, dict[str, Any] | str]] = [
    # families
    ("loaded", "predict churn using deep learning", TRAIN, {"models": ["network"], "target": "Churn"}),
    ("loaded", "can you train an MLP for churn?", TRAIN, {"models": ["network"], "target": "Churn"}),
    ("loaded", "try both a neural net and gradient boosting for churn", TRAIN, {"models": ["lightgbm", "network"]}),
    ("messages", "run an LSTM over the messages", TRAIN, {"models": ["lstm"], "target": "label"}),
    ("messages", "train a transformer to tell spam from ham", TRAIN, {"models": ["encoder"], "target": "label"}),
    ("fresh", "fit a recurrent neural network to spam.csv", TRAIN, {"models": ["lstm"], "target": "label"}),
    ("pictures", "train a convolutional neural network", TRAIN, {"models": ["resnet"], "target": "label"}),
    ("pictures", "use a resnet and nothing else", TRAIN, {"models": ["resnet"], "target": "label"}),
    ("pictures", "I want a CNN for these pictures", TRAIN, {"models": ["resnet"], "target": "label"}),
    ("trained", "now with a multilayer perceptron", TRAIN, {"models": ["network"], "target": "Churn"}),
    ("trained", "and a deep neural network instead?", TRAIN, {"models": ["network"]}),
    ("messages", "train without the LSTM", TRAIN, {"models": ["forest", "lightgbm", "linear", "network"]}),
    ("pictures", "train, but no resnet please", TRAIN, {"models": ["forest", "lightgbm", "linear"]}),
    ("messages", "which of these are spam? use bert", TRAIN, {"models": ["encoder"], "target": "label"}),
    ("messages", "use a pretrained transformer", None, "no candidate for pretrained models"),
    ("loaded", "predict churn with an SVM and a neural network", None, "no candidate for support vector machines"),
    # devices and processes
    ("loaded", "predict churn on the GPU with a neural network", TRAIN, {"device": "cuda", "models": ["network"]}),
    ("loaded", "train for churn on gpu 1", TRAIN, {"device": "cuda:1", "target": "Churn"}),
    ("trained", "same again but on the cpu", TRAIN, {"device": "cpu", "target": "Churn"}),
    ("trained", "use cuda this time", TRAIN, {"device": "cuda"}),
    ("loaded", "predict churn, device cuda:0", TRAIN, {"device": "cuda:0", "target": "Churn"}),
    ("loaded", "how long would a network for churn take on the gpu?", "estimate_training", {"device": "cuda"}),
    ("loaded", "train churn with two processes", TRAIN, {"processes": 2, "target": "Churn"}),
    ("loaded", "predict churn, split the training over 4 processes", TRAIN, {"processes": 4, "target": "Churn"}),
    ("trained", "again, without the gpu", TRAIN, {"device": "cpu"}),
    # distillation
    ("trained", "distil the model", DISTIL, {"model": "mdl_1", "student": None}),
    ("trained", "distill it into a network", DISTIL, {"model": "mdl_1", "student": "network"}),
    ("twice", "make a smaller model of mdl_1", OPTIMISE, {"model": "mdl_1"}),
    ("text model", "compress it into a small lstm by distillation", DISTIL, {"student": "lstm"}),
    ("trained", "train a student from it", DISTIL, {"model": "mdl_1"}),
    ("trained", "can we have a smaller and faster version of this model?", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "make it smaller", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "shrink the model", OPTIMISE, {"model": "mdl_1"}),
    ("registered", "distill the champion", DISTIL, {"model": "mdl_1"}),
    (
        "trained",
        "distil it within 20 seconds on the gpu and call it tiny",
        DISTIL,
        {"budget_seconds": 20.0, "device": "cuda", "name": "tiny"},
    ),
    ("trained", "use knowledge distillation to get a compact model", DISTIL, {"model": "mdl_1"}),
    ("trained", "distil with width 32", DISTIL, {"width": 32}),
    ("registered", "distil telco-Churn into a network", DISTIL, {"model": "telco-Churn", "student": "network"}),
    ("fresh", "distil the model", None, "There is no model yet"),
    ("trained", "the model is too big, can you slim it down?", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "teach a student network from mdl_1", DISTIL, {"model": "mdl_1", "student": "network"}),
    ("fresh", "what is knowledge distillation?", None, "distil"),
    # folders, images, texts
    ("fresh", "train on ./photos", TRAIN, {"dataset": "ds_photos", "target": "label"}),
    ("fresh", "classify the images in data/photos/", TRAIN, {"dataset": "ds_photos", "target": "label"}),
    ("fresh", "load the folder flowers", "import_dataset", {"source": "flowers"}),
    ("fresh", "train an image classifier on the directory flowers", TRAIN, {"dataset": "ds_flowers"}),
    ("fresh", "import mnist.npz", "import_dataset", {"source": "mnist.npz"}),
    ("fresh", "train on the digit images sample", TRAIN, {"dataset": "ds_digit_images", "target": "digit"}),
    ("fresh", "use sample:digits_images to train a resnet", TRAIN, {"models": ["resnet"], "target": "digit"}),
    (
        "fresh",
        "my texts are in reviews/, one folder per class. Classify them",
        TRAIN,
        {"dataset": "ds_reviews", "target": "label"},
    ),
    ("fresh", "classify the images in catalogue.csv", TRAIN, {"dataset": "ds_catalogue", "target": "label"}),
    ("pictures", "train an image classifier", TRAIN, {"dataset": "ds_photos", "target": "label"}),
    ("messages", "classify these messages", TRAIN, {"dataset": "ds_spam", "target": "label"}),
    ("messages", "train a text classifier", TRAIN, {"target": "label"}),
    ("picture model", "predict cat.png", "predict", {"model": "mdl_1", "data": "cat.png"}),
    ("picture model", "what is in photos/cat.jpg?", "predict", {"data": "photos/cat.jpg"}),
    ("picture model", "what does this picture show: ./new/dog.jpeg", "predict", {"data": "./new/dog.jpeg"}),
    ("picture model", "which class does photos/rose.png belong to?", "predict", {"data": "photos/rose.png"}),
    ("picture model", "classify photos/new.png", "predict", {"data": "photos/new.png"}),
    ("picture model", "predict everything in the folder incoming", "predict", {"data": "incoming"}),
    ("text model", "predict 'you have won a free holiday'", "predict", {}),
    ("fresh", "can you work with images?", None, "I can:"),
    ("fresh", "train yes/no models", None, "Which data"),
    # a second batch, written after the first was understood
    ("loaded", "could a neural network do better on churn?", TRAIN, {"models": ["network"], "target": "Churn"}),
    (
        "loaded",
        "predict churn, deep learning only, 3 minutes, on my gpu",
        TRAIN,
        {"models": ["network"], "device": "cuda", "budget_seconds": 180.0},
    ),
    ("loaded", "I'd like a feed-forward net for Churn", TRAIN, {"models": ["network"]}),
    ("trained", "add a neural network to the candidates", TRAIN, {"models": ["network"]}),
    ("trained", "what if we used an MLP?", TRAIN, {"models": ["network"]}),
    ("trained", "just the net this time", TRAIN, {"models": ["network"]}),
    ("messages", "does an RNN work better than a transformer here? train both", TRAIN, {"models": ["encoder", "lstm"]}),
    ("messages", "text classification with an lstm please", TRAIN, {"models": ["lstm"], "target": "label"}),
    ("messages", "train BERT on these messages", TRAIN, {"models": ["encoder"], "target": "label"}),
    ("messages", "please build a spam filter using recurrent nets", TRAIN, {"models": ["lstm"], "target": "label"}),
    (
        "messages",
        "learn to tell ham and spam apart, everything except the forest",
        TRAIN,
        {"models": ["lightgbm", "linear", "lstm", "network"]},
    ),
    ("pictures", "recognise what is in the pictures", TRAIN, {"target": "label"}),
    ("pictures", "image recognition with a ResNet50, 2 min", TRAIN, {"models": ["resnet"], "budget_seconds": 120.0}),
    ("pictures", "go with a conv net", TRAIN, {"models": ["resnet"], "target": "label"}),
    ("pictures", "train a vision transformer", None, "no candidate for vision transformers"),
    ("loaded", "train for Churn using CUDA device 0", TRAIN, {"device": "cuda:0", "target": "Churn"}),
    (
        "loaded",
        "predict Churn with lightgbm and a network, cpu only",
        TRAIN,
        {"device": "cpu", "models": ["lightgbm", "network"]},
    ),
    ("trained", "rerun on the graphics card", TRAIN, {"device": "cuda"}),
    ("trained", "move it to the second gpu", TRAIN, {"device": "cuda:1"}),
    ("trained", "once more with 2 processes please", TRAIN, {"processes": 2}),
    ("trained", "train it in parallel, 2 processes", TRAIN, {"processes": 2}),
    ("trained", "use both gpus", TRAIN, {"device": "cuda", "processes": 2}),
    ("trained", "can you compress the model?", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "I need something smaller for my phone", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "could you make that faster at predicting?", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "distillation, please", DISTIL, {"model": "mdl_1"}),
    (
        "trained",
        "run a distillation with mdl_1 as the teacher and a network as the student",
        DISTIL,
        {"model": "mdl_1", "student": "network"},
    ),
    ("trained", "turn the model into a small neural network", DISTIL, {"student": "network"}),
    ("trained", "teacher-student training from mdl_1, 90 seconds", DISTIL, {"model": "mdl_1", "budget_seconds": 90.0}),
    ("trained", "knowledge-distil it, 16 units wide", DISTIL, {"width": 16}),
    ("twice", "distill mdl_1, seed 5, and name it mini", DISTIL, {"model": "mdl_1", "seed": 5}),
    ("trained", "make a lightweight copy of the model", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "a tiny version of it would be nice", OPTIMISE, {"model": "mdl_1"}),
    ("trained", "distil into a forest", None, "A student is a network"),
    ("picture model", "shrink it to a smaller resnet", DISTIL, {"student": "resnet"}),
    ("distilled", "again, this time 2 minutes", DISTIL, {"model": "mdl_1", "budget_seconds": 120.0}),
    ("distilled", "now with width 16 on the gpu", DISTIL, {"width": 16, "device": "cuda"}),
    ("distilled", "predict new.csv", "predict", {"model": "mdl_2"}),
    ("distilled", "compare the two", "compare_models", {}),
    ("distilled", "now with recall", TRAIN, {"metric": "recall"}),
    (
        "fresh",
        "I have a directory called flowers with one subfolder per species, build a classifier",
        TRAIN,
        {"dataset": "ds_flowers", "target": "label"},
    ),
    ("fresh", "import the images from data/photos/", "import_dataset", {"source": "data/photos/"}),
    ("fresh", "profile reviews/", "profile_dataset", {"dataset": "ds_reviews"}),
    (
        "fresh",
        "sentiment of the texts in reviews/ with a small transformer",
        TRAIN,
        {"dataset": "ds_reviews", "models": ["encoder"]},
    ),
    ("fresh", "open the flowers directory", "import_dataset", {"source": "flowers"}),
    ("fresh", "mnist.npz: train a cnn", TRAIN, {"dataset": "ds_mnist", "models": ["resnet"]}),
    (
        "fresh",
        "how long would a resnet on ./photos take?",
        "estimate_training",
        {"models": ["resnet"], "target": "label"},
    ),
    ("fresh", "train an image model on the sample images", TRAIN, {"dataset": "ds_digit_images", "target": "digit"}),
    ("picture model", "cat.png?", "predict", {"data": "cat.png"}),
    ("picture model", "tell me what you see in /tmp/x/rose.webp", "predict", {"data": "/tmp/x/rose.webp"}),
    ("picture model", "classify all new images in ./incoming", "predict", {"data": "./incoming"}),
    (
        "picture model",
        "label the files in the folder incoming and save them to out.csv",
        "predict",
        {"data": "incoming", "out": "out.csv"},
    ),
    ("text model", "is 'win a free phone now' spam?", "predict", {"rows": [{"text": "win a free phone now"}]}),
    ("text model", 'what would it say about "see you at lunch"?', "predict", {"rows": [{"text": "see you at lunch"}]}),
    ("picture model", "classify these messages: spam.csv, with an lstm", TRAIN, {"models": ["lstm"]}),
    ("fresh", "do you support GPUs?", None, "I can:"),
    ("fresh", "can you train neural networks?", None, "Which data"),
    ("loaded", "predict which customers use the network", None, "Which of the 13 columns should I predict?"),
]
REACHED = 0.98


def problem(desk_at: Callable[[str], Any], row: tuple[str, str, str | None, dict[str, Any] | str]) -> str | None:
    state, words, tool, expected = row
    desk = desk_at(state)
    reply = desk.say(words)
    if isinstance(expected, str):
        only_looked = all(name.startswith("list") for name, _ in desk.calls)
        return None if expected in reply and only_looked else f"{words!r}: {desk.last} {reply!r}"
    if desk.last is None or desk.last[0] != tool:
        return f"{words!r}: {desk.last} instead of {tool}; {reply!r}"
    given = {**desk.last[1], "models": sorted(desk.last[1].get("models") or [])}
    wrong = {name: given.get(name) for name, value in expected.items() if given.get(name) != value}
    return f"{words!r}: {wrong} instead of {expected}" if wrong else None


def test_networks_images_and_distillation_come_to_the_right_call(desk_at: Callable[[str], Any]) -> None:
    problems = [text for row in ROWS if (text := problem(desk_at, row))]
    share = 1 - len(problems) / len(ROWS)
    assert share >= REACHED, f"{share:.3f} of {len(ROWS)}:\n" + "\n".join(problems)

"""Words about networks, texts, images, devices and distillation, written before the patterns that must know them."""

from collections.abc import Callable
from typing import Any

TRAIN, DISTIL = "train_model", "distil_model"
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
    ("twice", "make a smaller model of mdl_1", DISTIL, {"model": "mdl_1"}),
    ("text model", "compress it into a small lstm by distillation", DISTIL, {"student": "lstm"}),
    ("trained", "train a student from it", DISTIL, {"model": "mdl_1"}),
    ("trained", "can we have a smaller and faster version of this model?", DISTIL, {"model": "mdl_1"}),
    ("trained", "make it smaller", DISTIL, {"model": "mdl_1"}),
    ("trained", "shrink the model", DISTIL, {"model": "mdl_1"}),
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
    ("trained", "the model is too big, can you slim it down?", DISTIL, {"model": "mdl_1"}),
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
]
REACHED = 0.97


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

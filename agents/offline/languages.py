"""A little German, Spanish and French: the words for the main job, put into English before a message is read.

It is a table of words, no translation: enough for 'trainiere ein Modell auf a.csv, das Churn vorhersagt'.
"""

# ruff: noqa: E501

import re
from dataclasses import replace

from agents.offline.slots import Slots
from agents.offline.words import word_set

_TELLS: dict[str, frozenset[str]] = {
    "German": word_set(
        "trainiere trainier trainieren trainiert modell modelle vorhersagen vorhersage vorherzusagen vorhersagt hilfe "
        "sage zielspalte lade laden spalte spalten ohne sekunden minuten daten datei kündigt kündigen kunden zeige zeig "
        "warum wichtig wichtigsten kannst vergleiche beschreibe welche bitte danke guten tag moin servus geht's mach "
        "erkläre ich wie lange dauert das ist gibt es"
    ),
    "Spanish": word_set(
        "entrena entrenar entrene modelo modelos predecir predice predicción ayuda carga cargar columna datos archivo "
        "segundos minutos sin muestra clientes compara comparar explica explicar describe por favor gracias hola "
        "buenos buenas días qué puedes hacer cuánto tarda hay"
    ),
    "French": word_set(
        "entraîne entraîner entraine entrainer modèle modele modèles prédire predire prédis aide charge charger colonne "
        "données donnees fichier secondes sans montre clients compare comparer explique expliquer décris merci bonjour "
        "salut bonsoir s'il vous plaît pourquoi peux combien temps quel quels quelle quelles a-t-il"
    ),
}
_ALSO_ENGLISH = word_set("charge compare describe aide clients minuten sans tag das ich por mach salut compares sage")
"""Words of the tables that tell nothing alone."""

_PHRASES = tuple(
    (re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE), english)
    for pattern, english in (
        (
            r"(?:welche modelle|qu[eé] modelos|quels? mod[eè]les?)\s+(?:gibt es|hast du|haben wir|hay|tienes|tenemos|y a-t-il|"
            r"existent|as-tu|avons-nous)",
            "which models are there",
        ),
        (
            r"(?:welche (?:daten(?:s[äa]tze)?|tabellen)|qu[eé] (?:conjuntos de )?datos|quel(?:le)?s? (?:jeux de )?donn[eé]es)\s+"
            r"(?:gibt es|hast du|haben wir|hay|tienes|tenemos|y a-t-il|existent|as-tu|avons-nous)",
            "which datasets are there",
        ),
        # German puts the verb last
        (r"(?:das|die|der|welches)\s+(?:den|die|das|der)?\s*([\w-]+)\s+vorhersagt", r"that predicts \1"),
        (r"um\s+(?:den|die|das)?\s*([\w-]+)\s+vorherzusagen", r"to predict \1"),
        (r"sag(?:e|en)?\s+(?:mir\s+)?(?:den|die|das)?\s*([\w-]+)\s+(?:aus\s+(\S+)\s+)?voraus", r"predict \1 from \2"),
        (
            r"(?:wer|welche kunden|ob kunden)\s+(?:kündig(?:t|en)|(?:ab)?geht|gehen)(?:\s+wird|\s+werden)?",
            "who will churn",
        ),
        (r"warum (?:kündigen|gehen) (?:die |unsere )?kunden|was ist (?:am wichtigsten|wichtig)", "what matters most"),
        (
            r"was kannst du(?: alles)?|was kann (?:ich|man) (?:hier )?(?:tun|machen)|hilfe|qu[eé] puedes hacer|ayuda|"
            r"que peux-tu faire|(?:à l')?aide",
            "help",
        ),
        (
            r"wie lange (?:dauert|braucht)(?: das)?(?: training)?|cu[aá]nto tarda(?:r[aá])?|combien de temps(?: faut-il)?",
            "how long would it take",
        ),
        (r"trainier(?:e|en|t)?|entren(?:a|ar|e)|entra[iî]ne[rz]?", "train"),
        (r"vorhersage[n]?(?:\s+f[üu]r)?|sage\b.*voraus", "predict"),
        (r"vorherzusagen|predecir|pr[eé]dire", "predict"),
        (r"vorhersagt|predice|pr[eé]dit", "predicts"),
        (r"predicci[oó]n(?:es)?|pr[eé]dictions?", "predictions"),
        (r"modelle?|modelos?|mod[eè]les?", "model"),
        (r"zielspalte|columna objetivo|colonne cible", "target"),
        (r"lade|laden|carga(?:r)?|charge[rz]?", "load"),
        (r"erkl[äa]re?n?|explica(?:r)?|explique[rz]?", "explain"),
        (r"vergleiche?n?|compara(?:r)?|comparer|comparez", "compare"),
        (r"beschreibe?n?|d[eé]cri[st]|describir", "describe"),
        (r"zeige?n?|muestra|mostrar|montre[rz]?", "show"),
        (r"die daten|los datos|les donn[eé]es", "the data"),
        (r"daten|datei|datos|archivo|donn[eé]es|fichier", "data"),
        (r"spalten?|columnas?|colonnes?", "column"),
        (r"sekunden?|segundos?|secondes?", "seconds"),
        (r"minuten?|minutos?", "minutes"),
        (r"ohne|sin|sans", "without"),
        (r"nur|solo|s[oó]lo|seulement", "only"),
        (r"ein(?:e|en|em|er)?|un|una|une", "a"),
        (r"auf (?:basis|grundlage) von|auf|anhand|mit|con|avec|sur|in den", "on"),
        (r"en|dans|innerhalb von|innerhalb", "in"),
        (r"und|y|et", "and"),
        (r"um|para|pour|zu", "to"),
        (r"f[üu]r", "for"),
        (r"el|la|los|las|le|les|der|die|das|den|dem|du", "the"),
        (r"de|von|des", "of"),
        (r"mir|mich|bitte|por favor|s'il (?:vous|te) pla[iî]t", " "),
        (r"los geht'?s|mach das|adelante|vas-y", "go ahead"),
        (
            r"guten (?:tag|morgen|abend)|hallo|moin|servus|hola|buen[oa]s (?:d[ií]as|tardes|noches)|bonjour|bonsoir|salut",
            "hello",
        ),
        (r"danke(?: sch[öo]n)?|(?:muchas )?gracias|merci(?: beaucoup)?", "thanks"),
    )
)
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_GREETS = re.compile(
    r"^\W*(?:guten (?:tag|morgen|abend)|moin|servus|hola|buen[oa]s (?:d[ií]as|tardes|noches)|bonjour|bonsoir|salut|ciao|"
    r"ol[aá]|buongiorno|hallo|danke|gracias|merci|los geht'?s)\b",
    re.IGNORECASE,
)
_HELP = re.compile(r"^\W*(?:hilfe|ayuda|aide|à l'aide)\W*$", re.IGNORECASE)


def language_of(text: str) -> str | None:
    """The language a message is in, where it is one of those with a table, told by at least two of its words."""
    said = {word.lower() for word in _WORD.findall(text)}
    counts = {name: len(said & words) for name, words in _TELLS.items()}
    best = max(counts, key=lambda name: counts[name])
    telling = counts[best] - len(said & _TELLS[best] & _ALSO_ENGLISH)
    greets = _GREETS.match(text) or _HELP.match(text)
    return best if (counts[best] >= 2 and telling >= 1) or greets else None


def into_english(slots: Slots, language: str | None = None) -> Slots:
    """The message with the words of the tables in English; one in English stays as it is.

    `language` is that of the whole message, where this is a part of it too short to tell.
    """
    language = language_of(slots.rest) or language
    if language is None:
        return slots
    rest = slots.rest
    for pattern, english in _PHRASES:
        rest = pattern.sub(english, rest)
    return replace(slots, rest=" ".join(rest.split()), language=language)

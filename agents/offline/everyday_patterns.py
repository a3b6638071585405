"""The words by which greetings, thanks and questions about the planner itself are known. Rows read as in patterns."""

# ruff: noqa: E501

EVERYDAY: dict[str, tuple[tuple[float, str], ...]] = {
    "greeting": (
        (2.5, r"^\W*(?:yo|ahoy)\b|\bany(?:one|body) (?:here|there|home)\b"),
        (1, r"^\W*(?:hi|hello|hey|good (?:morning|evening|afternoon))\b"),
    ),
    "thanks": (
        (
            2.5,
            r"\bthat(?:'s| is)? help(?:s|ed|ful)\b|\bbye\b|\bsee you\b|\b(?:well done|great job|nice work|good job|great work|good work)\b|\bcheers\b",
        ),
    ),
    "identity": (
        (5, r"\b(?:who|what) are you\b(?! (?:looking|doing|using|working|running|talking|waiting))"),
        (5, r"\b(?:which|what) (?:language )?model am i (?:talking|speaking|chatting)"),
        (
            5,
            r"\b(?:an? |the |any )?(?:ai|llm|language model)\b.*\b(?:inside|behind|underneath)\b|\bbehind (?:you|this|it)\b",
        ),
        (5, r"\b(?:plug in|bring|attach|hook up|own) (?:\w+ ){0,2}(?:llm|language model)\b"),
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
        (4, r"\b(?:get going|get started)\b|\bexample (?:commands?|questions?|requests?|messages?)\b"),
        (4, r"\b(?:no clue|no idea|don'?t know|not sure) (?:what|how|where) (?:to|i)\b"),
        (4, r"\bwhat (?:sorts?|kinds?|types?) of (?:questions?|requests?|things?|tasks?|jobs?)\b"),
        (4, r"\bfirst time (?:here|user|with)\b|\bnew (?:here|to this)\b"),
        (8, r"\bwhat(?:'s| is| are| does| do you mean)\b.*\bdistil"),
        (
            8,
            r"\bwhat(?:'s| is| are| does| do you mean by)\b (?:an? |the )?(?:quanti[sz](?:ation|ing)|pruning|int8|onnx|calibration|qat|sparsity|bf16)(?: mean)?\W*$",
        ),
        (
            4,
            r"\b(?:can|do|could) (?:you|this|it|millwright) (?:also )?(?:work with|handle|support|understand|read|process|deal with|take|do|know) (?:\w+ )?(?:images?|pictures?|photos?|texts?|neural|_family_|deep|gpus?|_device_)",
        ),
        (4, r"\bhelp\W*$"),
    ),
}

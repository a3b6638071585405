"""The words by which plans, crews, research, code, notes, checks of a model and its deployment are known.

Rows read as in patterns. WORKING counts always, PLANNED only where a plan was shown.
"""

# ruff: noqa: E501

WORKING: dict[str, tuple[tuple[float, str], ...]] = {
    "make_plan": (
        (
            8,
            r"\b(?:make|draw up|draft|write|create|prepare|propose|give me|give us|show me|suggest|need|want|come up with|set up|work out)\b(?:\s+(?!model|classifier)\w+){0,3}?\s+plan\b(?! of the)",
        ),
        (8, r"<lead>plan\b(?!s?\s+(?:the\s+|a\s+|its\s+)?(?:deploy\w*|roll\w*|release|_drop_))(?=\W+\w)"),
        (7, r"\bdry[- ]run\b"),
        (8, r"\b(?:what|which) steps (?:would|will|do|should|could|must) (?:you|we|i)\b"),
        (8, r"\b(?:lay out|outline|list|sketch|spell out)\b.*\b(?:steps|work|approach|procedure)\b"),
        (8, r"\bstep[- ]by[- ]step\b.*\b(?:would|will|what|how)\b|\b(?:would|will|what|how)\b.*\bstep[- ]by[- ]step\b"),
        (8, r"\bhow would you (?:go about|approach|tackle|proceed)\b"),
        (8, r"\bwhat would you do (?:with|about|for|to|if)\b"),
    ),
    "crew": (
        (
            9,
            r"\b(?:crew|team of (?:\w+ )?agents|agents?'? team|agent team|team of (?:experts|specialists))\b(?! ?(?:size|members?|cost))",
        ),
        (8, r"\b(?:all |the )?(?:four|4|all) (?:roles|agents|specialists|experts)\b"),
        (9, r"\b(?:data scientist|ml engineer|qa|mlops|engineer)\b.*\b(?:data scientist|engineer|qa|mlops)\b"),
    ),
    "research": (
        (8, r"<lead>(?:do |make |some |a |bit |of |little )*research\b"),
        (
            8,
            r"<lead>(?:investigate|dig (?:into|through)|look (?:it |this |that |something )?up|read up|study)\b(?! the (?:model|data))",
        ),
        (
            9,
            r"\b(?:search|look|check|consult|read|browse|dig)\b.*\b(?:docs?|documentation|documents|literature|corpus|papers?|manuals?)\b",
        ),
        (9, r"\b(?:docs?|documentation|documents|literature|papers)\b.*\b(?:say|says|state|recommend|mention|advise)"),
        (
            8,
            r"\bfind out (?:what|how|why|which)\b.*\b(?:people|others|experts|recommend\w*|best practi[cs]es?|literature|works best)\b",
        ),
    ),
    "write_code": (
        (
            9,
            r"\b(?:write|give|show|generate|make|need|want|produce|create|turn|get|see|export)\b.*\b(?:code|script|python|notebook|snippet|jupyter)\b(?! (?:format|column))",
        ),
        (9, r"<lead>(?:python )?code (?:to|that|for|which)\b"),
        (8, r"\bin python\b"),
    ),
    "remember": (
        (9, r"<lead>(?:remember|memori[sz]e)\b(?! me\b)(?=\W+\w)"),
        (9, r"\b(?:keep|bear|have) (?:it |this |that )?in mind\b"),
        (9, r"^\W*(?:please |and |ok |but )*(?:don['’]?t|do not) forget\b(?! to\b)(?:,? that)?\W+\w+\W+\w"),
        (
            9,
            r"\b(?:make|take|add) a note\b|<lead>note (?:down|that)\b|\bwrite (?:that|this|it) down\b|\bfor the future,? note\b",
        ),
    ),
    "list_memories": (
        (
            10,
            r"\b(?:what|which)(?: \w+){0,2}? (?:do|did|have|has|should|can) (?:you|i|we)\b.*\b(?:remember(?:ed)?|memori[sz]ed?|noted|saved about|stored about|(?:stored|saved) (?:about|of)|saved\W*$|in memory)",
        ),
        (
            9.5,
            r"\b(?:list|show|see|display|which|what)\b(?:\s+\w+){0,3}?\s+(?:memories|notes|facts|preferences)\b(?! (?:column|of the (?:data|table)))",
        ),
        (6, r"^\W*(?:memories|notes)\W*$"),
    ),
    "forget": (
        (9.2, r"<lead>forget (?!about (?:it|that)\W*$|it\W*$|that\W*$)(?=\w)(?!.*\b(?:predict|train)\b)"),
        (
            10,
            r"\b(?:delete|remove|erase|drop|wipe|clear|strike)\b.*\b(?:memory|memories|notes?|you remember|preferences?|facts?)\b",
        ),
        (10, r"\b(?:don'?t|do not|no longer|stop|never) remember"),
        (9, r"_drop_.*\byou remember\b|\bnote (?:on|about|that)\b.*\b(?:away|out)\b"),
    ),
    "test_model": (
        (8.5, r"\bq\.?a\.?\b(?!.*\b(?:engineer|mlops|scientist)\b)|\bquality (?:assurance|checks?|report)\b"),
        (9, r"\b(?:edge|corner)[- ]cases?\b"),
        (
            8,
            r"<lead>test (?:it|(?:the |this |that |my |our )*(?:model|one|_model_|_alias_)(?: model| _model_)?)(?! on\b)(?=\W|$)",
        ),
        (8, r"\brobust(?:ness)?\b"),
        (8, r"\b(?:run|do|perform|execute|start)\b(?:\s+(?:the|some|all|its|your|model))*\s+tests\b(?!.*_source_)"),
        (8, r"\b(?:check|verify|test|meets?|fulfil\w*|satisf\w+)\b.*\brequirements?\b"),
        (
            8.5,
            r"\b(?:weird|strange|odd|empty|garbage|bad|broken|nonsense|unusual|wrong|corrupt\w*|invalid) (?:or \w+ )?(?:inputs?|rows|values|data)\b.*\btest|\btest\w*\b.*\b(?:weird|strange|odd|empty|garbage|bad|broken|nonsense|unusual|corrupt\w*|invalid) (?:or \w+ )?(?:inputs?|rows|values)\b",
        ),
        (8, r"\b(?:it|model)\b.*\b(?:break|crash|fall over|choke)\w*\b.*\b(?:inputs?|rows|values)\b"),
    ),
    "deployment_plan": (
        (
            10,
            r"\b(?:deploy(?:ment|ing)?|roll(?:ed|ing)?[- ]?(?:it |this )?out|release|launch)\b.*\b(?:plan|strategy|note|safely)\b|\bplan\b.*\b(?:deploy\w*|roll[- ]?out|release)\b|\bprepare (?:a |the |its )?(?:deployment|roll[- ]?out|release)\b",
        ),
        (9, r"\ba/?b[- ]?(?:tests?|experiment)\b"),
        (
            9,
            r"\bhow (?:should|would|do|can|could|shall) (?:we|i|you) (?:\w+ ){0,2}?(?:deploy|roll (?:it |this )?out|release|launch|go live|(?:bring|put|get|take)\b.*_alias_)",
        ),
    ),
}

PLANNED: dict[str, tuple[tuple[float, str], ...]] = {
    "edit_plan": (
        (9, r"\b(?:change|edit|adjust|amend|modify|update|alter|revise|rework)\b.*\bplan\b"),
        (9, r"\b(?:remove|drop|delete|skip|take|cut|omit|leave|without|_drop_)\b.*\bsteps?\b|_drop_|\bskip\b"),
        (9, r"\b(?:add|insert|append|put|include|use|with)\b.*\b(?:steps?|plan)\b"),
        (9, r"\bswap\b|\b(?:put|move|do)\b.*\b(?:before|after)\b"),
        (9, r"\bin (?:the|my|this) plan\b"),
        (9, r"\b(?:don['’]?t|do not|without|no|skip)\s+(?:the\s+)?tun(?:e|ing)\b"),
        (9, r"\bsteps? (?:\d+|\w+) (?:should|must|shall|to|gets?|takes?)\b"),
        (9, r"\b(?:give|allow)\b.*\bsteps?\b.*_budget_"),
    ),
    "show_plan": (
        (
            9.5,
            r"\b(?:show|see|print|display|open|read|what(?:'s| is| was| does)|let me see|remind me of)\b(?:\s+(?!an?\b)\w+){0,3}?\s+plan\b(?! with)",
        ),
        (9.5, r"\b(?:what|which) (?:are the )?steps\b.*\bplan\b"),
    ),
    "run_plan": (
        (
            9.2,
            r"\b(?:run|execute|carry out|start|follow|do|begin|launch|work(?:ing)? through|go through with|proceed with|go ahead with)\b(?:\s+\w+){0,4}?\s+(?:plan\b|step[- ]by[- ]step)",
        ),
        (9.2, r"\bplan (?:is|looks|seems) (?:fine|good|ok(?:ay)?|right|great)\b"),
        (9.2, r"\bdo (?:what|as) the plan says\b"),
    ),
    "approve_step": (
        (9.6, r"\bapprov(?:e|ed|es|al|ing)\b"),
        (9.6, r"\b(?:allow|permit|confirm|clear|release|let)\b.*\bsteps?\b"),
        (9.6, r"\b(?:ok(?:ay)?|green light|permission|go-ahead)\b.*\bsteps?\b"),
        (
            9.6,
            r"\bmay (?:do|run|make|take|go|execute|perform)\b|\bsteps? \w+ (?:may|can|is (?:ok(?:ay)?|fine|allowed|cleared))\b",
        ),
    ),
}
"""What is only said of a plan that is there."""

"""Recognises text that is written to steer a language model, by how such text is built.

It speaks *to* a model: it overrides what the model was told, gives it a role, asks for what it must
not tell, or says how its answer is to be written. The patterns are of English grammar (a verb that
commands, its object, whose answer it is) and name no subject, so they hold for any topic. A plain
question or order that could stand in a manual ('How do solar panels work?') is not recognised.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from config.ingestion import FlagKind

_MAX_EXCERPT = 160

# What a model was told before, and what it gives back.
_TOLD = (
    r"(?:instruction|prompt|rule|guideline|guardrail|direction|directive|command|training|"
    r"programming|restriction|constraint|polic(?:y|ie)|safeguard|filter|context|message|order|"
    r"conversation|task|request|everything|anything)s?"
)
_ANSWER = (
    r"(?:answer|response|reply|replies|output|completion|generation|summary|summarisation|"
    r"summarization|translation|final answer)s?"
)
_MODEL = (
    r"(?:a\.?i\.?|ai model|assistant|ai assistant|chat ?bot|language model|llms?|gpt[-\w.]*|"
    r"chatgpt|claude|gemini|copilot|llama|agent|ai agent)"
)
_EARLIER = r"(?:previous(?:ly)?|prior|above|earlier|preceding|former|foregoing|existing|original)"
_POLITE = (
    r"(?:please |kindly |now |also |then |next |finally |instead |just |only |always |never )*"
)


class Sign:
    """A pattern for text in lower case: matching without regard to case takes twice as long."""

    def __init__(self, pattern: str, words: str = "") -> None:
        """Each match holds one of `words`, parted by "|": most texts hold none and need no search.

        "" where that would be some word that most texts hold.
        """
        self.pattern = re.compile(pattern, re.MULTILINE)
        self._words = words.split("|")

    def place_in(self, lowered: str) -> int | None:
        """Where the pattern matches first."""
        if not any(word in lowered for word in self._words):
            return None
        found = self.pattern.search(lowered)
        return found.start() if found else None


# fmt: off
_OVERRIDES = (
    # ignore (all) (the) previous instructions; forget everything you were told
    Sign(rf"\b(?:ignor|disregard|forget|overrid|overrul|bypass|discard|neglect|skip|abandon|delet)(?:e|ing)?"
    rf"\b(?:\W+\w+){{0,4}}?\W+{_EARLIER}(?:\W+\w+){{0,3}}?\W+{_TOLD}\b",
    "ignor|disregard|forget|overrid|overrul|bypass|discard|neglect|skip|abandon|delet"),
    Sign(r"\b(?:ignor|disregard|forget|overrid|bypass)(?:e|ing)?\s+(?:all|any|every|each)?(?:\s+of)?\s*"
    r"(?:the|your|my|these|those|system|safety)\s+(?:\w+\s+){0,2}?(?:instruction|prompt|"
    r"guideline|guardrail|programming|training|safeguard|system message)s?\b",
    "ignor|disregard|forget|overrid|bypass"),
    Sign(r"\b(?:ignore|disregard|forget)\s+(?:everything|anything|all|what(?:ever)?)\s+(?:\w+\s+){0,3}?"
    r"(?:above|before|said|told|instructed|so far|earlier)\b", "ignore|disregard|forget"),
    Sign(rf"\b(?:do not|don't|stop)\s+(?:follow|obey|comply)\w*\s+(?:\w+\s+){{0,4}}?(?:{_EARLIER}|"
    rf"your|system|any)\s+(?:\w+\s+){{0,2}}?{_TOLD}\b", "do not|don't|stop"),
    Sign(r"\b(?:new|updated|real|actual|secret|hidden)\s+(?:system\s+)?(?:instructions?|prompt)"
    r"(?:\s+for\s+\w+)?\s*(?::|#{2,})", "instruction|prompt"),
    Sign(r"\b(?:do not|don't|never|stop)\s+(?:answer|reply\s+to|respond\s+to|help)(?:ing)?\s+the\s+"
    r"(?:user|customer|human)\b", "do not|don't|never|stop"),
)
_ROLES = (
    Sign(rf"\byou(?:'re|\s+are)\s+(?:now|no longer|from now on|hereby)\s+(?:\w+\s+){{0,4}}?"
    rf"(?:{_MODEL}|dan|unrestricted|unfiltered|free|bound|in \w+ mode)\b", "you"),
    Sign(r"\bfrom now on,?\s+(?:you\s+(?:will|must|shall|are|should)\b|(?:only|always|never)\b)",
    "from now on"),
    Sign(rf"\b(?:as|being)\s+an?\s+(?:\w+\s+)?{_MODEL}\b,?\s+(?:model\s*,?\s+)?you\s+"
    rf"(?:must|should|will|shall|have to|need to|are|can)\b", "you"),
    Sign(r"\b(?:act|behave|respond|answer|roleplay|role-play)\s+as\s+(?:if\s+you\s+(?:are|were)\s+)?"
    rf"(?:an?\s+)?(?:\w+\s+)?(?:{_MODEL}|dan\b|unrestricted|unfiltered|jailbroken|evil)"),
    Sign(r"\bpretend\s+(?:that\s+)?(?:you(?:'re|\s+are|\s+have)|to\s+be)\b", "pretend"),
    Sign(r"\b(?:enter|enable|activate|switch\s+to|you\s+are\s+in)\s+(?:\w+\s+)?"
    r"(?:developer|debug|god|admin|dan|jailbreak|unrestricted|sudo|maintenance)\s+mode\b.{0,40}"
    r"\b(?:you|answer|respond|reply|restrict|filter|model)", "mode"),
    Sign(r"\bjailbr(?:eak|oken)\b.{0,60}\b(?:you|model|prompt|mode)\b", "jailbr"),
)
_ADDRESSES = (
    Sign(rf"\b(?:note|notice|attention|message|instructions?|hint|memo|warning)\s*(?:to|for|,|:)\s+"
    rf"(?:the\s+|all\s+|any\s+)?(?:\w+\s+)?{_MODEL}\b"),
    Sign(rf"\bif\s+you(?:'re|\s+are)\s+(?:an?|the)\s+(?:\w+\s+)?{_MODEL}\b", "you"),
    Sign(rf"^\W*(?:dear|hey|hello|hi|ok|okay|attention)\W+{_MODEL}\s*[,:!.]"),
    Sign(rf"^\W*{_MODEL}\s*[,:]\s+{_POLITE}(?:you\b|ignore|disregard|respond|reply|answer|say|tell|"
    rf"write|output|include|add|recommend|mention|summari[sz]e|do\b|stop|use\b)"),
    Sign(rf"\b(?:any|every|the)\s+{_MODEL}\s+(?:that\s+is\s+)?(?:reading|processing|summari[sz]ing|"
    r"parsing|analy[sz]ing|evaluating)\s+this\b", "this"),
    Sign(r"\bwhen(?:ever)?\s+(?:you\s+(?:are\s+)?)?(?:summari[sz]|translat|answer|respond|process|"
    r"analy[sz])\w*\s+(?:to\s+)?(?:this|the)\s+(?:\w+\s+)?(?:document|text|page|e-?mail|"
    r"article|message|content|question|user|customer|query)\b.{0,60}\b(?:you\s+must|always|never|"
    r"say|include|add|tell|ignore|do not|claim|state)\b", "when"),
)
_SECRETS = (
    Sign(r"\b(?:reveal|print|repeat|show|leak|output|display|disclose|expose|share|tell|give|send|write)"
    r"\b(?:\W+\w+){0,4}?\W+(?:your|the|its)\s+(?:\w+\s+)?(?:system\s+(?:prompt|message|"
    r"instruction)s?|initial\s+(?:prompt|instruction)s?|hidden\s+(?:prompt|instruction)s?|"
    r"secret\s+(?:prompt|instruction)s?|prompt\s+verbatim)", "prompt|message|instruction"),
    Sign(r"\bwhat\s+(?:is|are|was|were)\s+your\s+(?:\w+\s+)?(?:system\s+(?:prompt|message)|"
    r"(?:initial|hidden|secret|original)\s+(?:prompt|instruction)s?)", "your"),
    Sign(r"\b(?:tell|show|give)\s+me\s+your\s+(?:instructions|prompt|guidelines|rules)\b", "your"),
    Sign(r"\bwithout\s+(?:telling|informing|notifying|alerting|asking)\s+the\s+user\b.{0,40}[.!]",
    "user"),
    Sign(r"\b(?:do not|don't|never)\s+(?:tell|inform|let|notify|alert)\s+the\s+user\b", "user"),
    Sign(r"\b(?:do not|don't|never)\s+(?:mention|reveal|disclose|acknowledge|repeat)\s+"
    r"(?:\w+\s+){0,3}?(?:these|this|the(?:se)?\s+hidden)\s+(?:instruction|prompt|message|note|directive)s?\b",
    "instruction|prompt|message|note|directive"),
)
_MARKUP = (
    Sign(r"<\|?(?:im_start|im_end|system|assistant|user|endoftext|eot_id|start_header_id|"
    r"begin_of_text)\|>"),
    Sign(r"\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>"),
    Sign(r"^#{2,}\s*(?:system|instruction|assistant|human)\s*:", "##"),
    Sign(r"^\W*(?:begin|end|start of|end of)\s+(?:the\s+)?system\s+(?:prompt|message)"),
    Sign(r"^\s*<?(?:system|assistant|developer)>?\s*:\s*(?:you\b|ignore|disregard|forget|respond|reply|"
    r"answer|always|never|from now)"),
    Sign(r"^\W*(?:system|developer)\s+(?:prompt|message|override|instruction)s?\s*:"),
)
# The same order in other languages that business documents are written in.
_OTHER_LANGUAGES = (
    Sign(r"\b(?:ignorier|vergiss|missacht)\w*\b.{0,30}\b(?:vorherig|bisherig|obig|früher|vorig|"
    r"vorangegangen)\w*\s+(?:an)?(?:weisung|anweisung|regel|befehl|instruktion)\w*",
    "ignorier|vergiss|missacht"),
    Sign(r"\b(?:ignore[zr]?|oublie[zr]?)\b.{0,30}\b(?:instruction|consigne|directive|règle)s?\b"
    r".{0,20}\b(?:précédent|antérieur|ci-dessus)\w*", "ignore|oublie"),
    Sign(r"\b(?:ignor[ae]|olvid[ae]|descarta)\w*\b.{0,30}\b(?:instruccion|indicacion|regla|orden)\w*\b"
    r".{0,20}\b(?:anterior|previ)\w*", "ignor|olvid|descart"),
    Sign(r"\b(?:ignor[ae]|dimentica)\w*\b.{0,30}\b(?:istruzion|regol|indicazion)\w*\b.{0,20}\b"
    r"(?:precedent|sopra)\w*", "ignor|dimentic"),
    Sign(r"\b(?:ignor[ae]|esqueça)\w*\b.{0,30}\b(?:instruç|regra|ordem|ordens)\w*\b.{0,20}\b"
    r"(?:anterior|acima|prévi)\w*", "ignor|esqueça"),
)

# Verbs of making or changing a text, as they stand in an order.
_MAKE = (
    r"(?:write|compose|draft|create|generate|produce|craft|develop|prepare|provide|give|offer|"
    r"present|formulate|pen|deliver)"
)
_CHANGE = (
    r"(?:add|append|insert|include|incorporate|integrate|embed|weave|work|put|place|mention|"
    r"modify|change|alter|adjust|adapt|edit|revise|rewrite|rephrase|reformat|format|convert|"
    r"transform|translate|encode|encrypt|encipher|cipher|decode|obfuscate|scramble|shuffle|jumble|"
    r"reverse|invert|mirror|rotate|shift|replace|substitute|swap|exchange|remove|delete|omit|drop|"
    r"strip|split|group|combine|join|merge|rearrange|reorder|sort|repeat|duplicate|double|"
    r"capitali[sz]e|lowercase|uppercase|spell|misspell|render|express|state|phrase|structure|"
    r"begin|start|open|end|close|finish|conclude|preface|prefix|precede|follow|enhance|augment|"
    r"extend|expand|enrich|supplement|complement|shorten|limit|restrict|introduce|use|apply|"
    r"represent|transcribe|transliterate|summari[sz]e|pepper|sprinkle|fill|wrap|tag|sign|"
    r"highlight|emphasi[sz]e|promote|advertise|suggest|recommend|direct|encourage|urge|hint|tease|"
    r"make|keep|turn|switch|ensure|have|let)"
)
_START = (
    rf"(?:^|[.!?:;\n]\W*|,\s*(?:and\s+|then\s+)?|\b(?:and|then|to|must|should|please)\s+){_POLITE}"
)
# The rest of a sentence; a mark before a quote's end or inside an address does not end it.
_INSIDE = r"(?:[^.!?\n]|[.!?](?=[\w\"'\u201d\u2019,]))"
_UNIT = r"(?:letter|vowel|consonant|character|word|sentence|space|line|paragraph|digit|keyword)s?"
_DIRECTIVES = (
    # 'every third word of your answer'
    Sign(rf"\b(?:every|each|all|any|the|random|certain|some)\s+(?:\w+\s+){{0,3}}?{_UNIT}\s+(?:in|of|from)\s+"
    rf"your\s+(?:\w+\s+)?(?:{_ANSWER}|message|text|writing)\b", "your"),
    # 'Scramble the letters of your message': only a writer of the answer can do that
    Sign(rf"{_START}(?:scramble|jumble|shuffle|misspell|garble|anagram|obfuscate|encipher|reverse)\b"
    rf"{_INSIDE}{{0,80}}?\byour\s+(?:\w+\s+)?(?:{_ANSWER}|message|text|words|writing)\b", "your"),
    # 'Modify your answer to ...', 'Replace every third letter of your reply'
    Sign(rf"{_START}(?:{_CHANGE}|{_MAKE})\b{_INSIDE}{{0,200}}?\b(?:your|the\s+(?:final|generated|"
    rf"assistant's|model's|ai's))\s+(?:\w+\s+)?{_ANSWER}\b",
    "your|final|generated|assistant's|model's|ai's"),
    # 'In your response, suggest ...'
    Sign(rf"(?:^|[.!?\n]\W*){_POLITE}(?:in|to|at\s+the\s+(?:end|start|beginning|top|bottom)\s+of|"
    rf"throughout|within|for)\s+(?:all\s+(?:of\s+)?)?your\s+(?:\w+\s+)?{_ANSWER}\s*,?\s+{_POLITE}"
    rf"(?:{_CHANGE}|{_MAKE}|explain|describe|list|avoid|refer)\b", "your"),
    # 'Answer only in French', 'Respond with the word'
    Sign(rf"(?:^|[.!?\n]\W*){_POLITE}(?:respond|reply|answer)\s+(?:only|exclusively|solely|entirely|"
    r"always|back)?\s*(?:in|with|using|as|without)\s+(?:only\s+)?(?:the\s+(?:word|phrase|text|"
    r"following|exact|sentence)|an?\s+\w+|\w+\s+(?:only|code|cipher)|all\b|no\b|"
    r"[a-z]+(?:ese|ish|ian|an|ench|ek|in|ic)\b|reverse\b|rhym\w+|emoji\w*|riddle\w*|base)",
    "respond|reply|answer"),
    # 'Your answer must contain'
    Sign(rf"(?:^|[.!?\n]\W*)(?:all\s+(?:of\s+)?)?your\s+(?:\w+\s+)?{_ANSWER}\s+(?:must|should|shall|"
    r"needs?\s+to|has\s+to|have\s+to)\s+(?:only\s+|always\s+|not\s+)?(?:be|contain|include|begin|"
    r"start|end|use|mention|say|rhyme|consist)\b", "your"),
)
_LITERARY = (
    r"(?:poem|haiku|limerick|sonnet|ballad|verse|rhyme|song|lyrics|rap|joke|riddle|pun|story|"
    r"short story|tale|fable|novel|screenplay|dialogue|monologue|essay|speech|eulogy|toast|"
    r"letter|love letter|cover letter|tweet|slogan|obituary|diary entry|news article|"
    r"blog post|press release|recipe|workout plan|meal plan|travel itinerary)"
)
_TASKS = (
    Sign(rf"(?:^|[.!?\n]\W*)(?:(?:can|could|would|will)\s+you\s+)?{_POLITE}(?:{_MAKE}|tell|recite|sing|"
    rf"come\s+up\s+with)\s+(?:me\s+|us\s+)?(?:an?|the|some|another|\d+|two|three)\s+"
    rf"(?:[\w-]+\s+){{0,4}}?{_LITERARY}s?\b"),
    Sign(rf"(?:^|[.!?\n]\W*)(?:(?:can|could|would|will)\s+you\s+)?{_POLITE}(?:translate|paraphrase|"
    r"summari[sz]e|proofread|rewrite)\s+(?:the\s+|this\s+)?(?:following|above|preceding|sentence|"
    r"phrase|paragraph|passage|text|['\"\u2018\u201c])",
    "translate|paraphrase|summari|proofread|rewrite"),
    Sign(r"(?:^|[.!?\n]\W*)(?:what(?:'s|\s+is)|how\s+(?:do|would|can)\s+(?:you|i|one)\s+(?:say|spell|"
    r"write|pronounce))\s+['\"\u2018\u201c][^'\"\n]{1,60}['\"\u2019\u201d]\s+(?:in|into)\s+[a-z]+",
    "'|\"|\u2018|\u201c"),
    Sign(r"(?:^|[.!?\n]\W*)(?:provide|give|find|what(?:'s|\s+is))\s+(?:me\s+)?the\s+[a-z]+\s+"
    r"(?:equivalent|translation|word)\s+(?:for|of)\b", "equivalent|translation|word"),
)
# fmt: on

_STEERING = (*_OVERRIDES, *_ROLES, *_ADDRESSES, *_SECRETS, *_MARKUP, *_OTHER_LANGUAGES)
SIGNS = {
    FlagKind.MODEL_INSTRUCTION: _STEERING,
    FlagKind.ANSWER_DIRECTIVE: _DIRECTIVES,
    FlagKind.TASK_REQUEST: _TASKS,
}
"""What each kind of text is recognised by."""
_STRAY_MARKS = re.compile("(?<=[A-Za-z])[\u0300-\u036f]+")
# Cyrillic letters on the left; none of the patterns is in Cyrillic.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0501\u04bb\u0410\u0415\u041e\u0420\u0421\u0425\u0406",
    "aeopcyxisdhAEOPCXI",
)


@dataclass(frozen=True, slots=True)
class FoundInstruction:
    """A place in a text that steers a model."""

    kind: FlagKind
    excerpt: str


def find_instructions(text: str) -> Iterator[FoundInstruction]:
    """The first place of each kind in a text that holds no invisible characters."""
    folded = _fold(text)
    lowered = folded.lower()
    shown = folded if len(folded) == len(lowered) else lowered
    for kind, signs in SIGNS.items():
        places = [place for sign in signs if (place := sign.place_in(lowered)) is not None]
        if places:
            excerpt = " ".join(shown[min(places) :].split())[:_MAX_EXCERPT]
            yield FoundInstruction(kind, excerpt.lstrip(".,:;!? "))


def _fold(text: str) -> str:
    """The text with letters that only look like Latin ones, or bear stray marks, as the Latin ones.

    Accents that belong to a letter were composed with it before; what is left was put there.
    """
    if text.isascii():
        return text
    return _STRAY_MARKS.sub("", text.translate(_LOOKALIKES))

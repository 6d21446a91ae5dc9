"""Letters of other scripts that look like Latin ones, put back where they hide a Latin word."""

import re

# From Unicode's table of confusables (UTS 39), only what stands for a basic Latin letter.
_LATIN = str.maketrans(
    dict(
        zip(
            "аАВсСеЕНһіІјЈкКМոоОрРԛѕЅТтиԝхХуУզΑΒΕΖΗΙΚΜΝΟοΡρΤτΥΧχαν",
            "aABcCeEHhiIjJkKMnoOpPqsSTtuwxXyYqABEZHIKMNOoPpTtYXxav",
            strict=True,
        )
    )
    | {"ı": "i", "ɡ": "g", "ʟ": "l", "ǃ": "!"}  # noqa: RUF001 - the point
)
_WORD = re.compile(r"[^\W\d_]+")


def latin_lookalikes(text: str) -> str:
    """The text with look-alike letters as Latin ones, where a word is meant to be read as Latin.

    That is a word with a Latin letter in it, and in a mostly Latin text also one that is made of
    look-alikes alone. Other words stay: they are their own language's.
    """
    if text.isascii():
        return text
    letters = [character for character in text if character.isalpha()]
    is_latin_text = sum(map(str.isascii, letters)) * 2 > len(letters)
    return _WORD.sub(lambda match: _as_latin(match.group(), is_latin_text), text)


def _as_latin(word: str, is_latin_text: bool) -> str:
    if word.isascii():
        return word
    latin = word.translate(_LATIN)
    if is_latin_text and latin.isascii():
        return latin
    return latin if any(map(str.isascii, word)) else word

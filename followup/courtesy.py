"""Words of courtesy between writer and reader: they cannot be wrong about a product."""

from functools import cache

from followup.overlap import ReadText, read_text
from followup.vocabulary import content_stems

# What a polite message says of itself and its reader; it cannot be wrong about a product.
_COURTESY = """answer answers appreciate arrange ask asking call chat choose choice close connect
    contact decide detail details discuss email excited explain feel fine fit forward free glad
    good great happy hear hello help helpful hesitate hope information interest interested join
    know learn like look love mail meet meeting mention mentioned message mind moment need needs
    next note offer options please pleased point pressure problem question questions quick reach
    read ready regarding reply right see send share short show start step sure take talk team
    tell thank thanks think time today touch understand useful walk want welcome well week
    whenever worry worth write writing"""
COURTESY = content_stems(_COURTESY)
# The two who a message is between; a statement about them is the request's or a courtesy.
_PERSONS = """i i'm i've i'd i'll me my we we're we've we'd we'll us our ours you you're you've
    you'd you'll your yours a an and are be can do for if in is it of on or so that the this to
    will with would"""
_KNOWN = f"{_COURTESY} {_PERSONS}"


@cache
def courtesy_text() -> ReadText:
    """All of them, and the words for the two, as one text."""
    return read_text(_KNOWN)

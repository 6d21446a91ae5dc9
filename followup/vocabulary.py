"""English words that the checks need: stop words, common words, generic abbreviations, stems."""

import re
from collections.abc import Iterable
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words(
    """a about above after again all also am an and any are as at be because been before being below
    between both but by can cannot could did do does doing done down during each either even ever
    every few for from further get gets getting give gives got had has have having he her here hers
    him his how i if in into is it its itself just let like made make makes many may me might more
    most much must my no nor not now of off on once one only or other our ours out over own per
    really s same she should so some such t take takes than that the their them then there these
    they this those through to too under until up upon us use used uses using very was we well were
    what when where which while who whom why will with within without would yes yet you your yours
    ll ve re d m don isn doesn won can't don't it's we're you're i'm we've you've i've let's that's
    there's here's today around across over nearly almost approximately up least"""
)
COMMON_WORDS = STOP_WORDS | _words(
    """able absolutely access according account actually add additional additionally adding
    afternoon ahead already although always amazing another answer anyone anything apologies
    appreciate are ask asking automate automated automatic automatically automating automation
    available back based basic become begin behind being believe best better beyond big bill
    billing book both bring bringing build building business businesses busy call calls care case
    cash change check clear
    companies company compared comparing complete congrats congratulations connect consider
    considering contact continue cost costs could curious current currently custom customer
    customers customise cut cutting data day days dear deal delighted delivering demo despite
    details different documents dozens easily easy email emails enjoy enjoyed ensure errors
    especially evening everyone everything exactly example excited exciting existing expect expert
    experts explore extra fair fantastic fast faster features fee fees feel finally finance find
    finding first flexible follow following forward free friendly full fully furthermore general
    getting glad go going good got grateful great greetings grow growing growth guess happy hear
    hearing hello help helping helps hence hey hi high hope hoping hours however hundreds ideal
    imagine important improve improved improving include included including increase increased
    indeed instead integrate integration integrations interested interesting invoice invoices
    invoicing issue issues join keep kind know large last later learn learning less life like
    likewise limited line list long look looking lots love low lower main manage managing manual
    many market maybe mean meanwhile meet meeting message million millions mind moment money month
    monthly months moreover morning moving need needs never new next nice none nothing noticed
    number of offer offering offers often ok okay older once open option options order other others
    otherwise overall paid part past pay paying payment payments people perfect perhaps period
    plan plans please pleased plus pricing price prices product products provide provided
    providing question questions quick quickly rather reach reaching read reading ready real
    recently recommend reduce reduced reducing regarding regards related reliable remember reply
    report reporting reports request requests respond result results review right run running
    sales save saved saves saving savings say secure security see seeing seems send sending sent
    service services set setting several share sharing short show side similar similarly simple
    simply since small software soon sorry sounds speaking specifically speed spend standard start
    started starting starts stay step steps still stop stopping streamline streamlined strong
    success successful such support sure switch switching systems take taking talk talking team
    teams tell thank thanks therefore thing things think thinking though thoughts thousands thrilled
    thus time times together top total track tracking training trial try trust trying turn
    typically understand understandable understanding understood unfortunately unlike unlimited
    update updates users value want wanted warm warmly way week weekly weeks welcome whatever
    whenever wherever whether whichever whole wishes wishing wonderful wondering work working
    works worth write writing year yearly years yesterday tomorrow tonight
    pm am mr mrs ms dr signing second third ps shall kindly glad attached below besides anyway apart
    aside whenever wherever won would we ours everybody somebody nobody somehow sometimes perfectly
    pleasure lastly secondly overview summary recap reminder welcome regardless rather plenty most
    half double being needing seems sounds turns helps lets keeps gives makes takes"""
)
# Capitals that name no company, customer or plan.
GENERIC_CAPITALS = _words(
    """ai api apis b2b b2c ceo cfo coo crm crms csv cto erp eu faq faqs hr i it json kpi kpis ml ok
    pdf pdfs pm am ps re roi saas sdk seo sla sme smb sql sso tbd uk url us usa usd eur gbp utc vat
    vp cta english monday tuesday wednesday thursday friday saturday sunday january february march
    april may june july august september october november december
    christmas easter q1 q2 q3 q4
    regards sincerely wishes team sales support customer success account manager hi hello hey dear
    thanks thank best warm kind cheers"""
)
_COMMON_ENDINGS = ("ing", "ers", "ly", "tion", "tions", "ness", "ment", "ments", "ity")
_MIN_COMMON_ENDING = 7
_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_MIN_STEM = 3
_IRREGULAR = """sold sell, kept keep, sent send, paid pay, built build, held hold, lost lose,
    spent spend, bought buy, chose choose, chosen choose, ran run, began begin, begun begin,
    gave give, given give, took take, taken take, grew grow, grown grow, fell fall,
    fallen fall, rose rise, risen rise, wrote write, written write, came come, went go,
    gone go, left leave, won win, meant mean, brought bring, taught teach, thought think,
    found find, got get, made make, said say, told tell"""
_VARIANTS = {form: base for form, base in map(str.split, _IRREGULAR.split(","))}
_VARIANTS |= {"setup": "set", "setting": "set", "setups": "set", "cancelled": "canceled"}
_VARIANTS |= {"cancelling": "canceling", "cancellation": "cancel", "rental": "rent"}
"""Words that ordinary endings do not bring together."""
_ROOT_LETTERS = 5


def is_common(word: str) -> bool:
    """Whether a capital at a sentence's start says nothing about the word being a name."""
    bare = word.partition("'")[0]
    return (
        bare in COMMON_WORDS
        or word in COMMON_WORDS
        or (len(bare) >= _MIN_COMMON_ENDING and bare.endswith(_COMMON_ENDINGS))
    )


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """A word in lower case without its inflection: invoices, invoicing, invoiced -> invoic."""
    bare = _VARIANTS.get(word, word).removesuffix("'s")
    for ending in ("ies", "ing", "ed", "es", "s", "e", "y"):
        if bare.endswith(ending) and len(bare) - len(ending) >= _MIN_STEM:
            if ending == "s" and bare.endswith("ss"):
                return bare
            found = bare[: -len(ending)]
            is_doubled = (
                ending in {"ing", "ed"} and found[-1] == found[-2] and found[-1] in "bdgmnprt"
            )
            return found[:-1] if is_doubled else found
    return bare


def roots_of(stems: Iterable[str]) -> frozenset[str]:
    """The first letters of stems, in which protect, protection and protected agree."""
    return frozenset([stem[:_ROOT_LETTERS] for stem in stems])


def words_of(text: str) -> list[str]:
    """The words and digit runs of a text, in lower case."""
    return _WORD.findall(text.lower())


# The checks ask for the same sentences and quotes many times each.
@lru_cache(maxsize=8_192)
def content_stems(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning: no stop words, no digits, no single letters."""
    return frozenset([stem(word) for word in set(_LETTERS.findall(text.lower())) - STOP_WORDS])

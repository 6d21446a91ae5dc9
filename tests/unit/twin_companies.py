"""What four companies say of themselves, and what a lead of each said: for test_message_twins."""

from followup.passage import Passage
from tests.unit.passages import passage

HOUSE: tuple[Passage, ...] = (
    passage(
        "fees_2025.csv",
        "item_code;description;fee_gbp;billing;notes\n"
        "M-S; Membership Solo; 24; monthly; one desk\n"
        "M-T; Membership Team; 95; monthly; five desks\n"
        "M-E; Membership Enterprise; 310; monthly; twenty desks, private office\n"
        "MR-H; Meeting room; 18; per hour; up to 10 people",
        title="Fees",
    ),
    passage(
        "terms.md",
        "Solo and Team run month to month with 14 days' notice. Enterprise has a first term of 6 "
        "months, then 60 days' notice. Deposits come back within 10 working days. "
        "Charities pay 20% "
        "less on every membership. We do not rent desks by the day. Printing is free up to 100 "
        "pages a month. Dogs are welcome on the ground floor, not upstairs. Doors open at 7:30 and "
        "close at 22:00 on weekdays.",
        title="Terms",
    ),
    passage(
        "houses.md",
        "There are three houses: Ancoats with 140 desks, Sale with 60 and Chorlton with 35. Wi-Fi: "
        "500 Mbit/s in Ancoats, 200 in Sale and Chorlton. Post is included in Team and Enterprise; "
        "Solo pays £9 a month for it. Chorlton has no lift.",
        title="Houses",
    ),
    passage(
        "story.md",
        "Kelp Studios moved to Membership Enterprise in March 2024. Rent and bills fell "
        "from £4,100 "
        "to £1,900 a month.",
        title="Kelp Studios",
    ),
)
TENANT = (
    "Priya Raman\nYard membership\nRaman & Cole\nVisited on 3 September. Team of 9 now, 12 from "
    "January. Pays 2,400 pounds a month for an office."
)
LAB: tuple[Passage, ...] = (
    passage(
        "instruments.csv",
        "sku: LB-1 | product: Spectra One | unit: device/year | list_eur: 940 | min_qty: 2\n"
        "sku: LB-2 | product: Spectra Max | unit: device/year | list_eur: 1,800 | min_qty: 1",
        title="rows 2-3",
        section="rows 2-3",
    ),
    passage(
        "buying.md",
        "Average time to delivery: 12 days for Spectra One, 21 for Spectra Max. Argon "
        "bottle: €140, "
        "enough for about 2,500 measurements. Free shipping within the EU from €250; below that we "
        "charge €19. Updates are free for the first two years and cost €240 a year afterwards. "
        "Nothing is sent to us until you press Support. Quotes and deposits yes; floor plans no. "
        "Hydrogen is not measured by any instrument. Up to 5 users may work with one licence. "
        "Results were delayed by no-shows: 1 in 40 samples in the second quarter of 2025. A faulty "
        "batch reaches at most 5% of samples. Lab reports are not checked, but lab notes are.",
        title="Buying",
    ),
    passage(
        "norsteel.md",
        "Norsteel runs two instruments. Waiting time at the furnace fell from 12 minutes to 4.",
        title="Norsteel",
    ),
)
CHEMIST = (
    "Marek Zielinski\nSpectra Max\nOdlewnia Zielinski\nFair on 14 May. 150 melts a day. Lab of 4. "
    "8 instruments planned."
)
FLORIST: tuple[Passage, ...] = (
    passage(
        "plans.md",
        "Sprout is $12 a month and meant for one shop. Bloom costs $39 a month for up to 1,500 "
        "orders. Meadow is $119 a month with unlimited orders. Paid yearly, you get two "
        "months free "
        "on any plan. Routes are part of Bloom and Meadow; Sprout has none. If a card "
        "fails, we try "
        "again twice. Customers see where the driver is, but not the driver's name. Phone support "
        "is for Meadow only. The connection costs $200 once for tills and nothing for websites.",
        title="Plans",
    ),
    passage(
        "petal.md",
        "Petal Row has two shops on the Bloom plan. Late deliveries went from 18 a week to 3.",
        title="Petal Row",
    ),
    passage(
        "gerbera.md",
        "Gerbera & Sons uses Meadow. Subscriptions now bring 31% of turnover; two years ago it was "
        "12%.",
        title="Gerbera & Sons",
    ),
)
SHOP_OWNER = "Nuala Byrne\nPollen\nByrne's Blooms\nDemo on 21 November. 600 orders a month."


PAYMENTS: tuple[Passage, ...] = (
    passage(
        "fees.md",
        "| | Core | Pro | Scale |\n| --- | --- | --- | --- |\n"
        "| Monthly fee | €0 | €49 | €249 |\n| Card payment | 1.9% | 1.5% | 1.1% |\n"
        "| Dispute | €15 each | €15 each | included |",
        title="Fees",
    ),
    passage(
        "routes.md",
        "Route: Alvik–Stenö | Crossing: 25 minutes | Adult: €8 | Departures a day: 14\n"
        "Route: Alvik–Norrö | Crossing: 55 minutes | Adult: €14 | Departures a day: 6",
        title="Routes",
    ),
    passage(
        "news.md",
        "The card fee went down from 1.2% to 1.1% in July. Pro adds telephone from 8 to 20. Reader "
        "S does not print. Reader M: €149, prints receipts. Trucks over 12 metres do not fit. The "
        "last boat leaves at 5:40. You may cancel up to 1 day before. A lesson lasts 1 hour. "
        "Nothing is booked until a person accepts it. Unused half-terms are paid back less 10%. A "
        "new pump uses up to 70% less power. Photos are in the app within the hour. Do you work on "
        "Sundays? Only for hotels.",
        title="News",
    ),
)
MERCHANT = "Ines Vogt\nPayview Pro\nVogt Blumen\nForm on 2 October. 600 payments. 3 staff."

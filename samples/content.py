"""What the samples say: letters, a field diary, minutes and forms, all made up."""

LETTER = """
14 March 1987

Dear Margaret,
Thank you for the parcel, which came on Tuesday quite undamaged. \
The children have not stopped talking about the kites, and Tom has \
already lost his in the big walnut tree behind the church. \
We had snow until last week. The lambs were late and the road to \
Elmford was closed for nine days, so we lived on potatoes and \
your plum jam. Father is well but will not rest.
Could you ask Dr. Hobson whether he still wants the 24 jars? I can \
bring them on Friday 3 April, after the market.

With love from us all,
Eleanor
"""

LETTRE = """
Lyon, le 7 décembre 1962

Chère Hélène,
Nous voilà enfin installés. L'appartement est petit mais très \
clair, et de la fenêtre on aperçoit la Saône où les péniches \
passent lentement. Le déménagement nous a coûté 450 francs ! \
Françoise commence l'école lundi ; elle a déjà reçu son cahier \
et sa blouse. Le maître, M. Lefèvre, paraît sévère mais juste. \
J'ai trouvé un emploi à l'hôpital, trois nuits par semaine. \
Venez à Noël, le train de 8 h 15 arrive à midi.

Je t'embrasse de tout cœur,
Ta sœur Cécile
"""

DIARY = """
Wed 12 June. Camp 2, 06:40, 11 °C, fog.
Walked the north transect with Ruth. 14 plots done, 3 flooded.
Plot 7: Carex rostrata 60%, Sphagnum 25%, open water 15%.
Two curlews, one nest with 4 eggs (GPS 54.6127, -2.3381).
Soil core 07-B broke at 38 cm, taken again at 09:15.
Rain from 13:30, 8.5 mm in the gauge by evening.
Thurs 13 June. 05:55, 9 °C, clear.
Repaired the fence by the sluice. Water table at -12 cm.
Counted 117 orchids along the boardwalk, last year 96.
Ruth left on the 16:20 bus. Batteries at 40%.
Fri 14 June. Wind SW 5, no work on the raft.
Sorted samples A1 to A26, labels 19 and 20 swapped!
"""

RECIPE = """
Apple cake (Grandmother Anna)
250 g flour, 125 g butter
100 g sugar + 1 spoon
2 eggs, a pinch of salt
6 apples, not too sweet
Mix, rest for 30 min.
Bake at 180 °C, 45 to 50 min.
Dust with cinnamon.
Serves 8 - better next day
"""

PACKING_LEFT = """
Boat trip, July
2 tents (green)
8 sleeping bags
stove + 3 gas
matches, candles
rope 25 m
first aid box
maps 14 and 15
life jackets x 9
whistle, torch
"""

PACKING_RIGHT = """
Still to buy
bread, 6 loaves
cheese 1.5 kg
tea and coffee
apples, onions
oats 2 kg
soap
Owed to Ben: £12.40
Paid by Lucy: £31
Leave Sat 7:30 am
"""

SKEWED = """
To the Editor
Sir, your report of 2 May on the new bridge says that nobody in \
Harwick objected. I was present, with forty others, and we did. \
The old ferry carried us for 112 years without a single loss. \
The bridge will cost 85,000 pounds and save eleven minutes.
What shall we do with eleven minutes?
Yours faithfully,
J. P. Winterbourne
"""

MINUTES = """
Minutes, 9 October 2003
Present: A. Khan, B. Osei, C. Dubois, F. Meyer (chair)
1. The minutes of 4 September were accepted.
2. Roof: three offers, from 7,200 to 11,950 euros. Mr Osei \
will ask about the guarantee before the 20th.
3. The key to room 14 is missing. New lock, 85.60 paid.
4. Summer fair: 640 visitors, profit 1,128.35. Thanks to all!
5. Next meeting on Thursday 6 November at 19:30.
"""

NOTE = """
Hi Sam,
the plumber comes at 10:30 \
tomorrow. Key is under the \
blue pot. Please tell him the \
tap in the kitchen drips, and \
ask for the bill (about $95).
Cat has been fed twice!
Back Sunday evening
Nora 555-0142
"""

UPSIDE_DOWN = """
Station log, 21 November
Train 407 arrived 14 minutes late because of ice.
Two trunks for Mr Alderson, one damaged at the corner.
Lamp on platform 3 broken, reported to J. Marsh.
Ticket sales: 86 single, 41 return, total 213.75
Snow swept at 6.15, 8.00 and 11.30.
Relieved by K. Dalton at 18:00
"""

FAX = """
URGENT - please forward to stores
Order no. 4471 of 28/02/94
12 boxes gloves, size M
5 filters type KX-20
1 pump, model 308 (not 380!)
Deliver to Gate 4 before 16:00.
Phone 0117 496 0832, ask for Denise
"""

PDF_PAGES = (
    """
Notebook of Peter Lindqvist
3 January. Began the inventory of the east wing. 48 chairs, \
of which 9 are broken. The piano has been out of tune since \
the war and nobody plays it.
5 January. Found the letters of 1911 in a biscuit tin behind \
the stove. Some are in French. I read until two o'clock.
6 January. Frost on the inside of the windows. Made tea.
""",
    """
8 January. A dealer from Bath offered 300 for the clock. \
I said no, then wondered all night whether I was right.
11 January. Mrs Quigley brought eggs and the news: the post \
office will close on 31 March. Signed the petition, no. 67.
12 January. Counted the silver, 5 spoons short.
15 January. Thaw. The cellar has 4 inches of water in it.
""",
)

MEMBERS = (
    {
        "surname": "OKAFOR",
        "first_name": "JULIET",
        "born": "23081979",
        "postcode": "BS6 5QA",
        "membership": "family",
        "newsletter": "yes",
        "address": "17 Quarry Lane, Westbury",
        "email": "j.okafor@example.org",
        "telephone": "0117 496 0275",
        "amount": "42.50",
        "signed": "Juliet Okafor",
    },
    {
        "surname": "VAN DER BERG",
        "first_name": "MAXIM",
        "born": "04121956",
        "postcode": "EX4 2TZ",
        "membership": "single",
        "newsletter": "no",
        "address": "Flat 3, 208 Topsham Road",
        "email": "maxberg56@example.com",
        "telephone": "01392 550 618",
        "amount": "25.00",
        "signed": "M. van der Berg",
    },
    {
        "surname": "WHITLOCK",
        "first_name": "FREYA",
        "born": "30011998",
        "postcode": "TA1 9JD",
        "membership": "junior",
        "newsletter": "yes",
        "address": "The Old Forge, Pixley",
        "email": "freya_w@example.net",
        "telephone": "07700 900 364",
        "amount": "12.75",
        "signed": "F. Whitlock",
    },
)

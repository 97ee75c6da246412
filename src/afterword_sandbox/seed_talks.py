"""What people of the past wrote about, and who they are."""

from typing import NamedTuple


class Talk(NamedTuple):
    """What a conversation is about; ``messages`` alternate, the customer's first."""

    inbox: str
    topics: tuple[str, ...]
    messages: tuple[str, ...]


TALKS = (
    Talk(
        "Orders & Delivery",
        ("Order", "Delivery late"),
        (
            "My parcel was promised for Tuesday and is still not here.",
            "I am sorry! It left our warehouse a day late; the courier has it now and comes tomorrow.",
            "All right, I will be at home.",
        ),
    ),
    Talk(
        "Orders & Delivery",
        ("Order", "Wrong item"),
        (
            "There were two pillowcases in the box in place of four.",
            "That should not happen. The other two leave today, at no charge.",
            "Thanks, that was quick.",
            "You're welcome!",
        ),
    ),
    Talk(
        "Orders & Delivery",
        ("Order", "Change of address"),
        (
            "I am moving on Saturday. Can the armchair go to my new place?",
            "Certainly, I have changed it. You will get a new confirmation by mail.",
        ),
    ),
    Talk(
        "Orders & Delivery",
        ("Order",),
        (
            "Ich habe aus Versehen zweimal bestellt. Lässt sich eine Bestellung stornieren?",
            "Ja, die zweite habe ich storniert; das Geld ist in zwei Tagen wieder auf Ihrem Konto.",
            "Vielen Dank!",
        ),
    ),
    Talk(
        "Orders & Delivery",
        ("Order", "Delivery late"),
        (
            "Tracking has said “in transit” for a week. Is it lost?",
            "It seems so. I am sending it again by express, and you keep whichever comes.",
        ),
    ),
    Talk(
        "Returns & Refunds",
        ("Return", "Refund"),
        (
            "When do I get the money back for the rug?",
            "It was refunded this morning. Banks take up to three days.",
            "Good to know.",
        ),
    ),
    Talk(
        "Returns & Refunds",
        ("Return", "Exchange"),
        (
            "The boots pinch. One size up, please?",
            "Of course. A label for the way back is in your mail, the larger pair leaves today.",
        ),
    ),
    Talk(
        "Returns & Refunds",
        ("Return",),
        (
            "Quisiera devolver la lámpara, pero ya no tengo la caja.",
            "No hay problema: sirve cualquier caja. Le he enviado la etiqueta.",
            "Perfecto, gracias.",
        ),
    ),
    Talk(
        "Returns & Refunds",
        ("Return", "Refund"),
        (
            "You refunded only one of the two chairs.",
            "You are right, the second was booked in late. It is done now.",
            "It took three messages to get there, though.",
            "I apologise for that. I have added a voucher to your account.",
        ),
    ),
    Talk(
        "Product Questions",
        ("Product", "Sizing"),
        (
            "Which size of duvet fits a bed of 160 by 200?",
            "The 240 by 220; it hangs over nicely on both sides.",
            "Ordered. Thanks!",
        ),
    ),
    Talk(
        "Product Questions",
        ("Product", "Care"),
        (
            "How do I get a coffee stain out of the linen cover?",
            "Cold water and gall soap, then 40 degrees. Please do not bleach it.",
        ),
    ),
    Talk(
        "Product Questions",
        ("Product",),
        (
            "Will the oak table be back in stock?",
            "In about three weeks. Shall I write to you when it is?",
            "Yes, please.",
            "Noted. You will hear from us.",
        ),
    ),
    Talk(
        "Loyalty Program",
        ("Loyalty points",),
        (
            "I cannot see my points since the last order.",
            "They were 180, and are there now. Sorry for the wait.",
        ),
    ),
    Talk(
        "Loyalty Program",
        ("Loyalty points",),
        (
            "Can I give my points to my sister?",
            "Not yet, I am afraid. You can order in your name to her address, though.",
            "Pity, but fine.",
        ),
    ),
)

AI_TALKS = (
    Talk(
        "Orders & Delivery",
        ("Order",),
        ("Where is my order?", "It was handed to the courier today; here is the link to follow it."),
    ),
    Talk(
        "Returns & Refunds",
        ("Return",),
        (
            "how long can i return things",
            "Within 30 days, in any post office. Did that answer your question?",
        ),
    ),
    Talk(
        "Product Questions",
        ("Product", "Care"),
        ("Is the throw machine washable?", "Yes, at 30 degrees, on the wool programme."),
    ),
)
"""Those that Gladly AI answers by itself."""

OUTBOUND_TALKS = (
    Talk(
        "Orders & Delivery",
        ("Order", "Delivery late"),
        ("Your parcel is delayed by the weather; it should reach you on Friday.",),
    ),
    Talk("Product Questions", ("Product",), ("The oak table that you asked for is back in stock.",)),
)
"""Those in which an agent writes, and the customer does not."""

SPAM_TALKS = (
    Talk("Product Questions", (), ("Rank FIRST in every search!! Reply for our price list.",)),
    Talk("Orders & Delivery", (), ("Dear sir, we are manufacturers of cartons and boxes of all kinds.",)),
)

THANKS = (
    "One more thing: the invoice has my old address on it.",
    "Sorry, it still does not show.",
    "Could you send me the confirmation again?",
)
"""What makes a closed conversation open again."""

FIRST_NAMES = (
    "Aiko", "Amina", "Anders", "Beatriz", "Carlos", "Chiara", "Daan", "Elif", "Emeka", "Fatima", "Finn", "Giulia",
    "Hannah", "Hugo", "Ines", "Isla", "Jakub", "Jin", "Kofi", "Leila", "Liam", "Lotte", "Magnus", "Mei", "Nadia",
    "Noah", "Olga", "Oscar", "Paula", "Rafael", "Ravi", "Rosa", "Samir", "Sofia", "Tariq", "Tess", "Viktor", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abernathy", "Almeida", "Bauer", "Bianchi", "Castillo", "Chen", "Dubois", "Eriksen", "Farouk", "Fischer",
    "Gallagher", "Haddad", "Iyer", "Jansen", "Kaya", "Kim", "Kowalska", "Lindqvist", "Marsh", "Mensah", "Moreau",
    "Nakamura", "Novak", "Oyelaran", "Petrov", "Quinn", "Rossi", "Santos", "Sharma", "Tanaka", "Varga", "Whitfield",
)  # fmt: skip
MAIL_HOSTS = ("mail.example", "post.example", "inbox.example", "letterbox.example", "webpost.example")

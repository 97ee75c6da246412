"""The company that a new sandbox begins with: small, believable, the same everywhere (its ids too)."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from afterword_sandbox.clock import format_time, now, pretend
from afterword_sandbox.company import business_hours, conversations, customers, messages
from afterword_sandbox.company.business_hours import BusinessHours
from afterword_sandbox.company.customers import Email, Phone, Profile
from afterword_sandbox.company.events import Actor
from afterword_sandbox.company.messages import Message
from afterword_sandbox.identifiers import seeded_id
from afterword_sandbox.store import Store


class SeedTopic(NamedTuple):
    """A topic and the topic it belongs to."""

    name: str
    parent: str | None = None


class SeedCustomer(NamedTuple):
    """A customer with one conversation; ``messages`` alternate, the customer's first."""

    key: str
    name: str | None
    emails: tuple[str, ...]
    inbox: str
    agent: str | None
    messages: tuple[str, ...]
    topics: tuple[str, ...] = ()
    phone: str | None = None
    address: str | None = None
    primary: int = 0


ORGANIZATION = "Juniper & Pine"
DOMAIN = "juniperandpine.example"
TIME_ZONE = "America/Los_Angeles"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
AUDIENCES = ("Retail customers", "Trade customers")
CUSTOM_ATTRIBUTES = {"ORDER_ID": "Order ID", "REFUND_REASON": "Refund reason"}

INBOXES = {
    "Orders & Delivery": ("Maya Okafor", "Tom Brennan", "Lucía Herrera"),
    "Returns & Refunds": ("Tom Brennan", "Ingrid Solberg"),
    "Product Questions": ("Maya Okafor", "Devon Clarke"),
    "Loyalty Program": ("Devon Clarke", "Ingrid Solberg", "Lucía Herrera"),
}
AGENTS = ("Maya Okafor", "Tom Brennan", "Lucía Herrera", "Ingrid Solberg", "Devon Clarke")
TEAMS = {
    "Day Crew": ("weekdays, 8 to 16", ("Maya Okafor", "Tom Brennan", "Lucía Herrera")),
    "Evening Crew": ("weekdays, 16 to 24, and weekends", ("Ingrid Solberg", "Devon Clarke")),
}
TOPICS = (
    SeedTopic("Order"),
    SeedTopic("Delivery late", "Order"),
    SeedTopic("Wrong item", "Order"),
    SeedTopic("Change of address", "Order"),
    SeedTopic("Return"),
    SeedTopic("Refund", "Return"),
    SeedTopic("Exchange", "Return"),
    SeedTopic("Product"),
    SeedTopic("Sizing", "Product"),
    SeedTopic("Care", "Product"),
    SeedTopic("Loyalty points"),
)
CUSTOMERS = (
    SeedCustomer(
        "amelia",
        "Amelia Hart",
        ("amelia.hart@mail.example",),
        "Orders & Delivery",
        "Maya Okafor",
        (
            "Hi, my order 48213 was meant to come on Friday. Any news?",
            "Hello Amelia, the parcel was held at the depot. It will be with you tomorrow before noon.",
            "That works, thank you!",
            "You're welcome. Is there anything else I can do for you?",
        ),
        ("Order", "Delivery late"),
        phone="+14155552671",
        address="18 Alder Street, Portland, OR 97205, USA",
    ),
    SeedCustomer(
        "jonas",
        "Jonas Weber",
        ("jonas.weber@post.example",),
        "Returns & Refunds",
        "Ingrid Solberg",
        (
            "I sent the jacket back ten days ago and have not seen the refund.",
            "Hi Jonas, I found it: the refund left us this morning, your bank takes up to three days.",
        ),
        ("Return", "Refund"),
        address="Lindenstraße 7, 10969 Berlin, Germany",
    ),
    SeedCustomer(
        "camille",
        "Camille Lefèvre",
        ("camille.lefevre@courrier.example",),
        "Product Questions",
        "Devon Clarke",
        (
            "Can the wool blanket go into the washing machine?",
            "Yes, at 30 degrees on the wool programme, and please no tumble dryer.",
        ),
        ("Product", "Care"),
        address="12 rue des Lilas, 69003 Lyon, France",
    ),
    SeedCustomer(
        "yuki",
        "佐藤 由紀",
        ("yuki.sato@tegami.example",),
        "Orders & Delivery",
        "Lucía Herrera",
        (
            "配送先の住所を変更できますか?",
            "はい、変更いたしました。明日発送の予定です。",
        ),
        ("Order", "Change of address"),
        address="東京都世田谷区北沢2-24-8",
    ),
    SeedCustomer(
        "suharto",
        "Wulandari",
        ("wulandari@surat.example",),
        "Loyalty Program",
        "Devon Clarke",
        (
            "My points from the last order are missing.",
            "I have added the 240 points, you should see them now.",
        ),
        ("Loyalty points",),
        address="Jalan Kenanga 5, Bandung, Indonesia",
    ),
    SeedCustomer(
        "priya",
        "Priya Raman",
        ("priya@oldjob.example", "priya.raman@inbox.example"),
        "Product Questions",
        "Maya Okafor",
        (
            "Does the linen shirt run small? I am between M and L.",
            "It runs true to size; between two we would take the larger one.",
            "L it is, then. Thanks!",
        ),
        ("Product", "Sizing"),
        phone="+442079460018",
        primary=1,
    ),
    SeedCustomer(
        "caller",
        "Walter Nyström",
        (),
        "Orders & Delivery",
        "Tom Brennan",
        (
            "I have no computer, so I ask by text: where is my parcel?",
            "It is with the courier, Walter. They will ring before they come.",
        ),
        ("Order",),
        phone="+46701740605",
        address="Storgatan 14, 903 26 Umeå, Sweden",
    ),
    SeedCustomer(
        "nameless",
        None,
        ("k.r.1987@webpost.example",),
        "Returns & Refunds",
        "Tom Brennan",
        (
            "how do i send something back",
            "Use the label in the box, and drop the parcel at any post office within 30 days.",
        ),
        ("Return",),
    ),
    SeedCustomer(
        "mateo",
        "Mateo Fernández Ruiz",
        ("mateo.fr@correo.example",),
        "Returns & Refunds",
        None,
        ("The lamp arrived with a cracked shade. Could I get a new one?",),
        address="Calle del Olmo 22, 28012 Madrid, Spain",
    ),
    SeedCustomer(
        "grace",
        "Grace O'Neill",
        ("grace.oneill@letterbox.example",),
        "Orders & Delivery",
        "Maya Okafor",
        (
            "You sent me the green mug. I ordered the blue one.",
            "I am sorry, Grace! A blue one is on its way, and please keep the green one.",
            "How kind, thank you.",
            "With pleasure. Enjoy them both!",
        ),
        ("Order", "Wrong item"),
        address="3 Harbour Row, Galway, Ireland",
    ),
    SeedCustomer(
        "chidi",
        "Chidi Anyanwu",
        ("chidi.anyanwu@mailbox.example",),
        "Loyalty Program",
        "Ingrid Solberg",
        (
            "When do my points expire?",
            "They stay for two years after your last order, Chidi.",
        ),
        ("Loyalty points",),
        address="9 Awolowo Road, Lagos, Nigeria",
    ),
    SeedCustomer(
        "lin",
        "Lin Mei-Hua",
        ("meihua.lin@youxiang.example",),
        "Returns & Refunds",
        "Ingrid Solberg",
        (
            "Could I swap the boots for one size up?",
            "Of course. The larger pair leaves today, send the others back when it suits you.",
        ),
        ("Return", "Exchange"),
        phone="+886223456789",
        address="台北市大安區和平東路一段",
    ),
)


def seed(store: Store, *, past_days: int = 0) -> None:
    """Fill an empty store with the company; one that has an organization stays as it is.

    With ``past_days`` its past is begun, which ``seed_past.py`` tells.
    """
    if store.one("SELECT 1 FROM organization") is not None:
        return
    with store.transaction():
        _seed_people(store)
        _seed_topics(store)
        _seed_settings(store)
        today = datetime.now(UTC)
        for index, customer in enumerate(CUSTOMERS):
            _seed_customer(store, customer, today - timedelta(hours=2 + 3 * index))
        if past_days:
            store.insert("past", {"began_at": format_time(today), "days": past_days, "told": 0})


def _seed_people(store: Store) -> None:
    store.insert(
        "organization",
        {
            "id": seeded_id("organization"),
            "name": ORGANIZATION,
            "login_domain": DOMAIN,
            "timezone": TIME_ZONE,
        },
    )
    for name in AGENTS:
        address = f"{name.split()[0].lower().replace('í', 'i')}@{DOMAIN}"
        store.insert("agents", {"id": seeded_id(f"agent {name}"), "name": name, "email_address": address})
    for inbox, members in INBOXES.items():
        inbox_id = seeded_id(f"inbox {inbox}")
        store.insert("inboxes", {"id": inbox_id, "name": inbox})
        for member in members:
            store.insert("inbox_agents", {"inbox_id": inbox_id, "agent_id": seeded_id(f"agent {member}")})
    for team, (description, members) in TEAMS.items():
        team_id = seeded_id(f"team {team}")
        store.insert("teams", {"id": team_id, "name": team, "description": description})
        for member in members:
            store.insert("team_agents", {"team_id": team_id, "agent_id": seeded_id(f"agent {member}")})


def _seed_settings(store: Store) -> None:
    """What an organization has set up besides: audiences of answers, freeform topics, business hours."""
    for name in AUDIENCES:
        store.insert("audiences", {"id": seeded_id(f"audience {name}"), "name": name})
    for key, label in CUSTOM_ATTRIBUTES.items():
        row = {"id": seeded_id(f"attribute {key}"), "key": key, "label": label}
        maker = {"created_at": now(), "created_by": seeded_id(f"agent {AGENTS[0]}")}
        store.insert("custom_attributes", {**row, **maker})
    weekdays: dict[str, object] = {day: [{"start": "08:00", "stop": "20:00"}] for day in WEEKDAYS}
    hours = {"timezone": TIME_ZONE, **weekdays}
    business_hours.create(store, BusinessHours("Default Hours", is_primary=True, office_hours=hours))


def _seed_topics(store: Store) -> None:
    for topic in TOPICS:
        parent_id = None if topic.parent is None else seeded_id(f"topic {topic.parent}")
        row = {"id": seeded_id(f"topic {topic.name}"), "name": topic.name, "parent_id": parent_id}
        store.insert("topics", row)


def _seed_customer(store: Store, customer: SeedCustomer, began: datetime) -> None:
    emails = tuple(
        Email(address, address.lower(), primary=len(customer.emails) > 1 and position == customer.primary)
        for position, address in enumerate(customer.emails)
    )
    phones = () if customer.phone is None else (Phone(customer.phone, customer.phone, type="MOBILE"),)
    profile = Profile(name=customer.name, address=customer.address, emails=emails, phones=phones)
    customer_id, inbox_id = seeded_id(f"customer {customer.key}"), seeded_id(f"inbox {customer.inbox}")
    themselves = Actor(customer_id, "CUSTOMER")
    agent = None if customer.agent is None else Actor(seeded_id(f"agent {customer.agent}"), "AGENT")
    with pretend(began):
        customers.create(store, profile, customer_id)
        conversation_id = conversations.create(
            store,
            customer_id,
            inbox_id,
            themselves,
            conversation_id=seeded_id(f"conversation {customer.key}"),
        )
        if agent is not None:
            conversations.assign(
                store, conversation_id, inbox_id, agent.id, themselves, reason="CONTACT_INBOUND"
            )
    _seed_messages(store, customer, conversation_id, (themselves, agent), began)


def _seed_messages(
    store: Store,
    customer: SeedCustomer,
    conversation_id: str,
    people: tuple[Actor, Actor | None],
    began: datetime,
) -> None:
    themselves, agent = people
    for position, text in enumerate(customer.messages):
        message = Message(text, own_id=seeded_id(f"message {customer.key} {position}"))
        with pretend(began + timedelta(minutes=4 * position, seconds=17 * position)):
            if agent is None or position % 2 == 0:
                messages.write_inbound(store, conversation_id, message, themselves)
            else:
                messages.write_outbound(store, conversation_id, message, agent)
    topic_ids = [seeded_id(f"topic {topic}") for topic in customer.topics]
    if agent is not None and topic_ids:
        with pretend(began + timedelta(minutes=4 * len(customer.messages))):
            conversations.add_topics(store, conversation_id, topic_ids, agent)

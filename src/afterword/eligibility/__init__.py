"""Eligibility: whether the Customer of a closed Conversation is to be asked, decided before anything goes out.

It knows Gladly and the database, and nothing of tasks, workflows or surveys. What was set is a typed model
(``settings.py``); what is known of a closing is ``facts.py``; a rule is a plain function from both to a verdict, in one
file for each group of rules (``closing_rules.py``, ``quiet_hours.py``, ``asked_rules.py``, ``topic_rules.py``,
``message_rules.py``). ``judging.py`` has the table of rules, cheapest first, and asks for a fact when a rule needs it.
``credit.py`` says which agent is credited; ``ledger.py`` remembers who was asked.
"""

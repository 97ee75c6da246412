"""What is put down: one alert a kind and subject, quiet for an hour, in the transaction of the fact."""

from afterword.alerts.recording import Alert, list_alerts, record_alert, record_alerts, withdraw_alert
from afterword.store.database import Database


async def test_what_is_put_down_about_one_subject_becomes_one_alert_with_a_count(database: Database) -> None:
    async with database.pool.acquire() as connection:
        for _ in range(3):
            await record_alert(connection, Alert("run-failed", "problem/1", "Runs fail", 2))
        await record_alerts(
            connection,
            [
                Alert("run-failed", "problem/2", "a"),
                Alert("run-failed", "problem/2", "b"),
                Alert("test", "x", "c"),
            ],
        )
        alerts = await list_alerts(connection)
    assert sorted((alert.kind, alert.subject, alert.count, alert.words) for alert in alerts) == [
        ("run-failed", "problem/1", 6, "Runs fail"),
        ("run-failed", "problem/2", 2, "b"),
        ("test", "x", 1, "c"),
    ]


async def test_after_it_was_told_the_next_is_due_an_hour_later(database: Database) -> None:
    async with database.pool.acquire() as connection:
        await record_alert(connection, Alert("run-failed", "problem/1", "Runs fail"))
        await connection.execute(
            "UPDATE alert SET status = 'told', decided_at = now() - interval '20 minutes'"
        )
        await record_alert(connection, Alert("run-failed", "problem/1", "Runs fail"))
        await record_alert(connection, Alert("run-failed", "problem/2", "Runs fail"))
        rows = await connection.fetch(
            "SELECT subject, round(extract(epoch FROM due_at - now()) / 60)::int AS minutes FROM alert "
            "WHERE status = 'waiting' ORDER BY subject"
        )
    assert [tuple(row) for row in rows] == [("problem/1", 40), ("problem/2", 0)]


async def test_what_was_rolled_back_is_not_told(database: Database) -> None:
    async with database.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await record_alert(connection, Alert("account-down", "account/GA_1", "It is down"))
        await transaction.rollback()
        assert await list_alerts(connection) == []


async def test_personal_data_is_hidden(database: Database) -> None:
    async with database.pool.acquire() as connection:
        await record_alert(connection, Alert("run-failed", "problem/1", "no mail for jane@customer.example"))
        (alert,) = await list_alerts(connection)
    assert "jane" not in alert.words


async def test_what_is_no_longer_so_can_be_taken_back_until_it_was_told(database: Database) -> None:
    async with database.pool.acquire() as connection:
        await record_alert(connection, Alert("account-down", "account/GA_1", "It is down"))
        assert await withdraw_alert(connection, "account-down", "account/GA_1")
        assert await list_alerts(connection) == []
        await record_alert(connection, Alert("account-down", "account/GA_1", "It is down"))
        await connection.execute("UPDATE alert SET status = 'told', decided_at = now()")
        assert not await withdraw_alert(connection, "account-down", "account/GA_1")


async def test_alerts_are_listed_newest_first_and_by_pages(database: Database) -> None:
    async with database.pool.acquire() as connection:
        for number in range(5):
            await record_alert(connection, Alert("test", f"test/{number}", "A test"))
        first = await list_alerts(connection, limit=3)
        rest = await list_alerts(connection, before=first[-1].id, limit=3)
    assert [alert.subject for alert in [*first, *rest]] == [f"test/{number}" for number in (4, 3, 2, 1, 0)]

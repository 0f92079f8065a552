def test_an_order_is_updated(apiauth_client):
    answer = apiauth_client.post("/orders/latest?notify=yes", json={"label": "new"})
    assert answer.json() == {"order": 17, "label": "new"}


async def sent(client):
    return await client.post("/orders/latest", json={"label": "later"})


def test_an_order_is_updated_asynchronously(apiauth_async_client):
    import asyncio

    assert asyncio.run(sent(apiauth_async_client)).json()["label"] == "later"

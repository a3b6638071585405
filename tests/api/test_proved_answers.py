"""Over HTTP an answer that is revised ends as the same text as in the history."""

from pathlib import Path

from agents.scripted import say
from graphs.events import EVENT, text_of
from tests.api.home import Open
from tests.api.test_sessions import events, new_session


def test_a_stream_that_is_revised_ends_as_the_text_of_the_history(home: Path, open_client: Open) -> None:
    script = (say("So the score is 0.99."), say("The score is 0.99, I say."))
    with open_client(home, script) as client:
        session = new_session(client)
        heard = events(client.post(f"/v1/sessions/{session}/messages", json={"text": "how good is it?"}))
        told = text_of([EVENT.validate_python(event) for event in heard])
        assert told == client.get(f"/v1/sessions/{session}/messages").json()[-1]["text"]
        assert told == "The score is ~~0.99~~ (not in the results), I say."
        (checked,) = [event for event in heard if event["kind"] == "claims"]
        assert (checked["struck"], checked["sent_back"], checked["taken_back"]) == (1, True, ["0.99"])
        claims = client.get(f"/v1/sessions/{session}/export").json()["claims"]
    assert [entry["struck"] for entry in claims] == [1]

"""The workbench shows what is in the home, and loads nothing from elsewhere."""

import re

from fastapi import FastAPI
from fastapi.testclient import TestClient
from nicegui.testing.general import nicegui_reset_globals

from graphs.sessions import Sessions
from tools.workshop import Workshop
from web.pages import mount


def test_the_page_shows_the_datasets_and_asks_no_other_site(workshop: Workshop, sessions: Sessions) -> None:
    dataset = workshop.datasets.import_source("sample:diabetes")
    app = FastAPI()
    with nicegui_reset_globals():
        mount(app, workshop, sessions)
        check_page(app, dataset.id)


def check_page(app: FastAPI, dataset: str) -> None:
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        page = client.get("/ui/")
        assert page.status_code == 200
        assert dataset in page.text
        assert "No model yet." in page.text
        links = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
        assert links
        assert not [link for link in links if re.match(r"(https?:)?//", link)]
        script = next(link for link in links if link.endswith(".js"))
        assert client.get(script).status_code == 200

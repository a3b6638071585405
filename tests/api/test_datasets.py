"""Files come in as the body of a request, bounded and checked; nothing half-written stays."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.home import Open

CSV = "age,colour,churn\n" + "".join(f"{20 + n},{'red' if n % 3 else 'blue'},{n % 2}\n" for n in range(40))


def upload(client: TestClient, content: bytes = CSV.encode(), **query: Any) -> Any:
    return client.post("/v1/datasets", params={"filename": "people.csv"} | query, content=content)


def leftovers(home: Path) -> list[Path]:
    return [path for path in (home / "uploads").rglob("*") if path.is_file()]


def test_an_uploaded_file_becomes_a_dataset_and_is_listed(client: TestClient, home: Path) -> None:
    summary = upload(client, target="churn").json()
    assert (summary["rows"], summary["target"], summary["name"]) == (40, "churn", "people")
    assert [each["dataset"] for each in client.get("/v1/datasets").json()["datasets"]] == [summary["dataset"]]
    assert leftovers(home) == []


def test_a_compressed_file_is_read_by_its_ending(client: TestClient) -> None:
    assert upload(client, gzip.compress(CSV.encode()), filename="people.csv.gz").status_code == 201


def test_the_profile_of_a_dataset(client: TestClient) -> None:
    dataset = upload(client, target="churn").json()["dataset"]
    profile = client.get(f"/v1/datasets/{dataset}/profile").json()
    assert profile["target"] == "churn"
    assert {column["name"] for column in profile["columns"]} == {"age", "colour", "churn"}


@pytest.mark.parametrize("name", ["../people.csv", "/etc/passwd", ".hidden.csv", "a/b.csv", "", "-x.csv", "a\x00.csv"])
def test_a_name_that_is_not_a_plain_file_name_is_refused(client: TestClient, home: Path, name: str) -> None:
    response = upload(client, filename=name)
    assert (response.status_code, response.json()["code"]) == (422, "bad_arguments")
    assert not (home / "datasets").exists() or not list((home / "datasets").iterdir())


@pytest.mark.parametrize(
    ("content", "query", "status", "code"),
    [
        (b"", {}, 422, "empty_file"),
        (b"a,b\n", {}, 422, "header_only"),
        (CSV.encode(), {"target": "chrun"}, 422, "column_not_found"),
        (CSV.encode(), {"split": "sideways"}, 422, "bad_arguments"),
        (CSV.encode(), {"test_fraction": 3}, 422, "bad_arguments"),
        (CSV.encode(), {"filename": "people.exe"}, 415, "unsupported_format"),
        (CSV.encode(), {"source": "/etc/passwd"}, 422, "bad_arguments"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_leaves_nothing(
    client: TestClient, home: Path, content: bytes, query: dict[str, Any], status: int, code: str
) -> None:
    response = upload(client, content, **query)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert str(home) not in response.text
    assert leftovers(home) == []
    assert client.get("/v1/datasets").json()["datasets"] == []


def test_a_file_beyond_the_limit_is_refused_as_it_arrives(home: Path, open_client: Open) -> None:
    with open_client(home, max_upload_bytes=1_000) as client:
        response = client.post(
            "/v1/datasets", params={"filename": "big.csv"}, content=(b"1,2\n" * 100 for _ in range(50))
        )
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert leftovers(home) == []


def test_an_unknown_dataset_is_not_found(client: TestClient) -> None:
    response = client.get("/v1/datasets/ds_000000000000/profile")
    assert (response.status_code, response.json()["code"]) == (404, "dataset_not_found")

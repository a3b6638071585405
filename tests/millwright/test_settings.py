"""Settings: where they come from, which win, and what is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from engine.errors import BadSettings
from millwright.settings import Settings, child_environment, env_example, setting_names


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path) -> Iterator[None]:
    """No settings of the machine, and a working folder without a `.env` file."""
    before, folder = dict(os.environ), Path.cwd()
    for name in [name for name in os.environ if name.startswith("MILLWRIGHT_")]:
        del os.environ[name]
    os.chdir(tmp_path)
    yield
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(before)


def test_defaults_need_nothing() -> None:
    settings = Settings()
    assert settings.home == Path(".millwright")
    assert settings.llm.provider == "offline"
    assert settings.jobs_url.startswith("sqlite:///")
    assert settings.threads >= 1


def test_variables_reach_nested_settings() -> None:
    os.environ |= {"MILLWRIGHT_LLM__PROVIDER": "openai", "MILLWRIGHT_LLM__MODEL": "m", "MILLWRIGHT_DATA__MAX_ROWS": "7"}
    settings = Settings()
    assert (settings.llm.provider, settings.llm.model, settings.data.max_rows) == ("openai", "m", 7)


def test_an_argument_wins_over_the_environment_and_that_over_the_file() -> None:
    Path(".env").write_text("MILLWRIGHT_BUDGET_SECONDS=10\nMILLWRIGHT_HOME=from-file\nOPENAI_API_KEY=not-ours\n")
    os.environ["MILLWRIGHT_HOME"] = "from-environment"
    assert (Settings().budget_seconds, Settings().home) == (10, Path("from-environment"))
    assert Settings(home=Path("from-argument")).home == Path("from-argument")


def test_a_secret_may_be_the_name_of_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("sk-123\n")
    os.environ["MILLWRIGHT_LLM__API_KEY_FILE"] = str(secret)
    key = Settings().llm.api_key
    assert key is not None
    assert key.get_secret_value() == "sk-123"
    assert "sk-123" not in repr(Settings())


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    os.environ["MILLWRIGHT_LLM__API_KEY_FILE"] = str(tmp_path / "none")
    with pytest.raises(BadSettings, match=r"MILLWRIGHT_LLM__API_KEY_FILE names .*none"):
        Settings()


def test_a_value_and_its_file_together_are_refused(tmp_path: Path) -> None:
    os.environ |= {"MILLWRIGHT_API__KEY": "a", "MILLWRIGHT_API__KEY_FILE": str(tmp_path)}
    with pytest.raises(BadSettings, match="Both MILLWRIGHT_API__KEY and MILLWRIGHT_API__KEY_FILE"):
        Settings()


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    os.environ["MILLWRIGHT_LLM__MODLE"] = "m"
    with pytest.raises(BadSettings, match=r"LLM__MODLE is not a setting\. Did you mean MILLWRIGHT_LLM__MODEL"):
        Settings()


def test_an_unknown_name_in_the_file_is_refused_too() -> None:
    Path(".env").write_text("MILLWRIGHT_HOEM=x\n")
    with pytest.raises(BadSettings, match="Did you mean MILLWRIGHT_HOME"):
        Settings()


def test_names_of_the_test_suite_are_left_alone() -> None:
    os.environ |= {"MILLWRIGHT_TEST_POSTGRES_URL": "x", "MILLWRIGHT_REQUIRE_BACKENDS": "1"}
    assert Settings() is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [("BUDGET_SECONDS", "0"), ("DATA__MAX_ROWS", "many"), ("LOG_LEVEL", "LOUD"), ("LLM__PROVIDER", "magic")],
)
def test_a_value_that_does_not_fit_names_its_variable(name: str, value: str) -> None:
    os.environ[f"MILLWRIGHT_{name}"] = value
    with pytest.raises(BadSettings, match=f"MILLWRIGHT_{name}"):
        Settings()


def test_the_example_names_every_setting_and_is_itself_valid() -> None:
    text = env_example(Settings)
    assert [line[2:].split("=")[0] for line in text.splitlines() if "=" in line] == list(setting_names(Settings))
    filled = [line[2:] for line in text.splitlines() if line.startswith("# MILLWRIGHT_") and not line.endswith("=")]
    Path(".env").write_text("\n".join(filled))
    assert Settings() == Settings(home=Path(".millwright"))


def test_the_example_as_it_stands_changes_nothing() -> None:
    text = env_example(Settings)
    Path(".env").write_text("\n".join(line[2:] for line in text.splitlines() if line.startswith("# MILLWRIGHT_")))
    assert Settings() == Settings(home=Path(".millwright"))


def test_a_blank_variable_hides_the_file_and_is_as_good_as_none() -> None:
    Path(".env").write_text("MILLWRIGHT_JOBS__THREADS=3\nMILLWRIGHT_LLM__MODEL=\n")
    os.environ |= {"MILLWRIGHT_JOBS__THREADS": " ", "MILLWRIGHT_API__KEY": ""}
    settings = Settings()
    assert (settings.jobs.threads, settings.llm.model, settings.api.key) == (None, None, None)


def test_null_is_none_where_a_setting_may_have_none() -> None:
    os.environ["MILLWRIGHT_LLM__TEMPERATURE"] = "null"
    assert Settings().llm.temperature is None
    os.environ["MILLWRIGHT_BUDGET_SECONDS"] = "null"
    with pytest.raises(BadSettings, match="MILLWRIGHT_BUDGET_SECONDS"):
        Settings()


def test_a_home_in_the_users_home_is_spelled_out_once() -> None:
    os.environ["MILLWRIGHT_HOME"] = "~/mw"
    settings = Settings()
    assert settings.home == Path.home() / "mw"
    assert settings.jobs_url == f"sqlite:///{Path.home().resolve() / 'mw' / 'millwright.db'}"
    assert settings.for_worker()["home"] == str(Path.home().resolve() / "mw")


def test_a_worker_gets_no_keys_and_no_variables_of_ours() -> None:
    os.environ |= {"MILLWRIGHT_LLM__API_KEY": "sk-123", "MILLWRIGHT_API__KEY": "k"}
    assert "sk-123" not in str(Settings().for_worker())
    assert not [name for name in child_environment(2) if name.startswith("MILLWRIGHT_")]


ALERTS = {
    "SLACK_WEBHOOK": "https://hooks.example/sk-1",
    "WEBHOOK_URL": "https://alerts.example/sk-2",
    "WEBHOOK_SECRET": "sk-3",
    "PAGERDUTY_KEY": "sk-4",
    "SMTP_PASSWORD": "sk-5",
}
"""Secrets of the alert channels, all of them."""


def alerts_in_the_environment(**others: str) -> Settings:
    os.environ |= {f"MILLWRIGHT_ALERTS__{name}": value for name, value in (ALERTS | others).items()}
    return Settings()


def test_alert_channels_are_set_by_variables() -> None:
    alerts = alerts_in_the_environment(
        SMTP_HOST="mail.example", SMTP_PORT="25", EMAIL_FROM="a@example.org", EMAIL_TO="b@example.org, c@example.org"
    ).alerts
    assert (alerts.smtp_host, alerts.smtp_port, alerts.smtp_security) == ("mail.example", 25, "starttls")
    assert alerts.email_to == ("b@example.org", "c@example.org")
    assert {secret.get_secret_value() for _, secret in alerts if isinstance(secret, SecretStr)} == set(ALERTS.values())


def test_a_secret_of_a_channel_may_be_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("https://hooks.example/sk-1\n")
    os.environ["MILLWRIGHT_ALERTS__SLACK_WEBHOOK_FILE"] = str(tmp_path / "hook")
    found = Settings().alerts.slack_webhook
    assert found is not None
    assert found.get_secret_value() == "https://hooks.example/sk-1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_PORT", "0"),
        ("SMTP_SECURITY", "ssl"),
        ("EMAIL_FROM", "nobody"),
        ("EMAIL_TO", "a@example.org, nobody"),
        ("ATTEMPTS", "11"),
        ("TIMEOUT_SECONDS", "-1"),
        ("SLACK", "x"),
    ],
)
def test_a_channel_that_is_set_wrongly_names_its_variable_and_no_secret(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=f"MILLWRIGHT_ALERTS__{name}") as error:
        alerts_in_the_environment(**{name: value})
    assert "sk-" not in str(error.value)


def test_secrets_of_channels_are_readable_for_the_worker_and_nowhere_else() -> None:
    settings = alerts_in_the_environment()
    for shown in (repr(settings), str(settings), repr(settings.alerts), settings.model_dump_json()):
        assert "sk-" not in shown
    told = json.loads(json.dumps(settings.for_worker()))
    assert {name.upper(): told["alerts"][name] for name in map(str.lower, ALERTS)} == ALERTS
    assert Settings.model_validate(told).alerts == settings.alerts


def test_no_settings_are_no_channels_for_the_worker_either() -> None:
    told = json.loads(json.dumps(Settings().for_worker()))
    assert Settings.model_validate(told).alerts == Settings().alerts


def test_importing_the_package_and_its_settings_loads_nothing_heavy() -> None:
    script = "import sys, millwright, millwright.settings; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "torch", "sklearn", "pandas", "numpy", "mlflow", "dbos", "langchain", "langchain_core", "langgraph", "crewai",
        "river", "datasketches", "httpx", "sqlalchemy",
    }  # fmt: skip
    assert heavy.isdisjoint(loaded)

"""The client of the OpenAI dialect, which leaves out what its endpoint refused and passes no mended call on."""

from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from agents.strict_calls import broken, is_whole
from agents.strict_dialect import Dialect


class DialectChat(ChatOpenAI):
    """ChatOpenAI with a `dialect`; arguments that are no strict JSON object become invalid calls."""

    dialect: Dialect = Field(default_factory=lambda: Dialect(schemas=True), exclude=True)

    def _get_request_payload(
        self,
        input_: LanguageModelInput,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,  # noqa: ANN401  as the client's own
    ) -> dict[str, Any]:
        payload = self.dialect.spoken(super()._get_request_payload(input_, stop=stop, **kwargs))
        if "response_format" in payload:
            # as a parameter of its own the client would parse the answer by another way, with other errors
            format_ = payload.pop("response_format")
            payload["extra_body"] = {**(payload.get("extra_body") or {}), "response_format": format_}
        return payload

    def _create_chat_result(
        self, response: dict[str, Any] | BaseModel, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        # a body that is no JSON comes as text; the client says so
        plain = response.model_dump(warnings=False) if isinstance(response, BaseModel) else response
        if isinstance(plain, dict):
            for choice in plain.get("choices") or ():
                for call in choice["message"].get("tool_calls") or ():
                    function = call["function"]
                    if not is_whole(function["name"], function["arguments"]):
                        function["arguments"] = broken(function["arguments"])
        return super()._create_chat_result(plain, generation_info)

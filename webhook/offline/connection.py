"""Asks a webhook over HTTPS, as the API server does."""

import dataclasses
from http import HTTPStatus

import msgspec
import urllib3

from webhook.admission.answer import ReviewError
from webhook.offline.apiserver import Review


class DemoError(Exception):
    """The server could not be asked as it should; the text is one sentence for a person."""


class _Status(msgspec.Struct):
    """What :mod:`webhook.server.refusal` answers with."""

    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class ApiServer:
    """The API server's side of the connection."""

    url: str
    client: urllib3.PoolManager

    def ask(self, review: Review) -> bytes:
        """Send a review and return the answer.

        Raises:
            ReviewError: The server refuses the object.
            DemoError: There is no answer, or it is another error.
        """
        headers = {"Content-Type": "application/json"}
        try:
            answer = self.client.request("POST", self.url, body=review.body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise DemoError(f"The server at {self.url} did not answer: {error}.") from error
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise ReviewError(_message(answer.data))
        if answer.status != HTTPStatus.OK:
            raise DemoError(f"The server answered {answer.status}: {_message(answer.data)}")
        return answer.data


def _message(body: bytes) -> str:
    """Take the sentence out of a refusal, which is a Status unless something else answered."""
    try:
        return msgspec.json.decode(body, type=_Status).message
    except (msgspec.MsgspecError, UnicodeError):
        return body.decode(errors="replace")

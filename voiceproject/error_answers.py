"""What is answered where something is wrong: a page of the site's own, or the shape of the API that
was asked. In the language of whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from interaction.api.door import RequestRefused
from interaction.api.errors import ApiError, answer_to
from interaction.api.openai import error_answer

REST, OPENAI = "/api/", "/v1/"
REFERENCE = "/api/v1/docs"
"""A page for people, among addresses for programs."""


def is_api(request: HttpRequest) -> bool:
    """Whether a program asks, which reads JSON."""
    return _is_rest(request) or _is_below(request, OPENAI)


def _is_rest(request: HttpRequest) -> bool:
    return _is_below(request, REST) and request.path_info != REFERENCE


def _is_below(request: HttpRequest, prefix: str) -> bool:
    return f"{request.path_info}/".startswith(prefix)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an HTTP status means, for programs and for people."""

    code: str
    title: str
    message: str


def explanation(status: int) -> Explanation:
    """``message`` is for API and page alike, in the language that is active."""
    match status:
        case 403:
            title, message = _("Not allowed"), _("This is not yours to do or to see.")
            return Explanation("not_permitted", title, message)
        case 404:
            title = _("There is nothing here")
            message = _("The address may be misspelt, or what was here has been deleted.")
            return Explanation("not_found", title, message)
        case 405:
            title = _("This does not work here")
            message = _("The address takes no request of this method.")
            return Explanation("method_not_allowed", title, message)
        case 413:
            title = _("Too large")
            message = _("What was sent is larger than the server takes. Send less at once.")
            return Explanation("too_large", title, message)
        case 416:
            message = _("The file has no such range of bytes.")
            return Explanation("range_not_satisfiable", _("No such range"), message)
        case 500 | 501 | 502 | 503 | 504:
            title = _("Something broke on the server")
            message = _("It is not your fault. Try again; the server's log says what happened.")
            return Explanation("internal_error", title, message)
    message = _("The server does not understand what was sent. Go back, and try again.")
    return Explanation("bad_request", _("That cannot be read"), message)


def answer(
    request: HttpRequest,
    status: int,
    *,
    code: str = "",
    title: str | Promise = "",
    message: str | Promise = "",
    param: str | None = None,
    bare: bool = False,
) -> HttpResponse:
    """The answer to ``request``, in its shape. What is left out is as ``explanation`` says.

    ``bare``: a page made without the request, and so without the database, or a name of this
    server that the client made up.
    """
    with translation.override(translation.get_language_from_request(request)):
        usual = explanation(status)
        # Put into words here: what is lazy was made before the language was known.
        code, said = code or usual.code, str(message or usual.message)
        if _is_below(request, OPENAI):
            code = "server_error" if status >= 500 else code
            return error_answer(status, code, said, param)
        if _is_rest(request):
            return answer_to(ApiError(status, code, said, retryable=status >= 500))
        again = "" if bare and status < 500 else _again(request, status)
        context = {
            "title": title or usual.title,
            "message": said,
            "again": again,
            # Under a name that the server has not, every address is as wrong.
            "has_home": code != "unknown_host",
        }
        page = render_to_string("error.html", context, None if bare else request)
        return HttpResponse(page, status=status)


def _again(request: HttpRequest, status: int) -> str:
    """Where trying again begins: the page that broke, the same without the parameters that were
    refused, or the page with the form that was sent; empty where it leads nowhere."""
    if request.method in ("GET", "HEAD"):
        address, _question_mark, _query = request.get_full_path().partition("?")
        wanted = {400: address, 403: "", 404: "", 405: ""}
        return wanted.get(status, request.get_full_path())
    came_from = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        return ""
    parts = urlsplit(came_from)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


class ErrorAnswers:
    """Middleware: answers what a view refused, and puts into words what came without any."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = self.get_response(request)
        if not _lacks_words(request, response):
            return response
        said = answer(request, response.status_code)
        for name in ("Allow", "Content-Range", "Retry-After"):
            if name in response.headers:
                said[name] = response.headers[name]
        return said

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, RequestRefused):
            return None
        return answer(
            request, error.status, code=error.code, message=error.message, param=error.param
        )


def _lacks_words(request: HttpRequest, response: HttpResponseBase) -> bool:
    if response.status_code < 400 or response.streaming:
        return False
    if is_api(request):
        return not response.headers.get("Content-Type", "").startswith("application/json")
    # An empty 401 is for scripts, which send the person to sign in.
    return response.status_code in (405, 416) and not getattr(response, "content", b"")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        return answer(
            request,
            400,
            code="unknown_host",
            title=gettext_lazy("The server does not go by this name"),
            message=gettext_lazy(
                "Open it at the address that it printed when it started, or add this name to "
                "ALLOWED_HOSTS."
            ),
            bare=True,
        )
    if isinstance(exception, RequestDataTooBig):
        return answer(request, 413, bare=True)
    return answer(request, 400, bare=True)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    title = _("The form was not accepted")
    message = _(
        "It does not fit this browser's session: it is too old, or cookies are blocked. "
        "Load the page again, and send it once more."
    )
    return answer(request, 403, code="csrf_failed", title=title, message=message)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(request, 500, bare=True)

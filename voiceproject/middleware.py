"""What every request passes: static files, a content security policy, the need to sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails
from whitenoise.middleware import WhiteNoiseMiddleware

from interaction.core.time_zones import is_time_zone
from voiceproject import error_answers

ADMIN = "/admin/"
TIME_ZONE_COOKIE = "parley_time_zone"
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, answering with whole files.

    Its streaming response has a synchronous iterator, which Django warns of under ASGI and then
    reads into memory all the same.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response


def content_security_policy(get_response: GetResponse) -> GetResponse:
    """Send ``settings.CONTENT_SECURITY_POLICY`` with every answer."""
    policy = "; ".join(
        f"{directive} {sources}" for directive, sources in settings.CONTENT_SECURITY_POLICY.items()
    )

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


def times_are_the_viewers(get_response: GetResponse) -> GetResponse:
    """Show times of pages in the time zone that the browser has put into the cookie
    ``TIME_ZONE_COOKIE`` (static/time-zone.js); without a valid one, in the server's."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        zone = request.COOKIES.get(TIME_ZONE_COOKIE, "")
        with timezone.override(ZoneInfo(zone) if is_time_zone(zone) else None):
            return get_response(request)

    return middleware


def no_nul_characters(get_response: GetResponse) -> GetResponse:
    """Forget cookies that hold a NUL character, and answer 400 where a parameter of the admin site
    does: PostgreSQL takes none. Other pages, forms and APIs look at their fields themselves."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        given = [one for name in request.GET for one in request.GET.getlist(name)]
        if request.path_info.startswith(ADMIN) and any("\0" in one for one in given):
            message = _("This text holds a NUL character. Leave it out.")
            return error_answers.answer(request, 400, message=message)
        return get_response(request)

    return middleware


def bodies_have_a_limit(get_response: GetResponse) -> GetResponse:
    """Answer 413 to a body that the web server dropped for its length (``voiceproject.web``)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        length = request.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) <= settings.MAX_BODY_BYTES:
            return get_response(request)
        message = _("The upload is longer than %(limit)d MB.") % {
            "limit": settings.ENV.parley_max_upload_mb
        }
        return error_answers.answer(request, 413, message=message)

    return middleware


class PagesNeedSignIn(LoginRequiredMiddleware):
    """Every page needs sign-in unless its view says otherwise; APIs answer 401 by themselves.

    HTMX is told to open the page of signing in, which then leads back: it would put what a redirect
    leads to into the middle of the page.
    """

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., Any],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        if error_answers.is_api(request):
            return None
        answer: HttpResponseBase | None = super().process_view(
            request, view_func, view_args, view_kwargs
        )
        details = HtmxDetails(request)
        if answer is None or not details:
            return answer
        here = urlencode({REDIRECT_FIELD_NAME: details.current_url_abs_path or "/"})
        return HttpResponseClientRedirect(f"{reverse('sign_in')}?{here}")

"""Signing in, by a link made on the command line or by name and password, and out again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _

from interaction.management.address import local_host_and_port
from interaction.models import SignInLink


def link_for(user: AbstractBaseUser) -> str:
    """A new link that signs this user in. Its token is a fragment, which no server or log sees."""
    scheme = "https" if settings.ENV.https else "http"
    return f"{scheme}://{local_host_and_port()}{reverse('sign_in')}#{SignInLink.make(user)}"


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """POST ``token`` (from a link), or ``username`` and ``password``; ``next`` goes with both."""

    template_name = "sign_in.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        token = request.POST.get("token", "")
        if not token:
            return super().post(request, *args, **kwargs)
        user = SignInLink.redeem(token)
        if user is None:
            refused = _("This link has been used, or it is older than ten minutes.")
            form = self.get_form_class()(request)
            context = self.get_context_data(form=form, refused=refused)
            return self.render_to_response(context, status=403)
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return HttpResponseRedirect(self.get_success_url())
